import numpy as np
import pytest

from ctrmoe.data.encode import Encoder
from ctrmoe.export.raw_tensors import raw_tensors
from ctrmoe.scorer import ENCODER
from ctrmoe.serving.server.sampled_rows import raw_frame
from ctrmoe.serving.server.signature import Signature


@pytest.mark.parametrize("rows_of_shared", [1, 4])
def test_rows_of_candidates_have_what_they_share(exported, test_rows, rows_of_shared):
    encoder = Encoder.load(exported / ENCODER)
    tensors = raw_tensors(test_rows.head(4), encoder.schema)
    inputs = {name: tensor.numpy() for name, tensor in tensors.items()}
    inputs["user_id"] = inputs["user_id"][:1].repeat(rows_of_shared, axis=0)
    own = frozenset(inputs) - {"user_id"}
    signature = Signature("serve_candidates", {}, {}, own)

    frame = raw_frame(signature, inputs, np.array([1, 3]), encoder)

    assert frame["user_id"].to_list() == [test_rows["user_id"][0]] * 2
    assert frame["item_id"].to_list() == test_rows["item_id"][1:4:2].to_list()
