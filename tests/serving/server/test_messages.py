import gc

import grpc
import pytest

PREDICT = "/tensorflow.serving.PredictionService/Predict"


def test_unreadable_message_leaves_nothing_behind(ours):
    call = ours.channel.unary_unary(PREDICT)

    def ask(count):
        for _ in range(count):
            with pytest.raises(grpc.RpcError, match="deserializing request") as refused:
                call(b"\xff" * 50, timeout=20)
            assert refused.value.code() is grpc.StatusCode.INTERNAL
            del refused

    def kept():
        gc.collect()
        return sum(type(one).__name__ == "Call" for one in gc.get_objects())

    ask(5)
    before = kept()
    ask(50)

    assert kept() < before + 25
