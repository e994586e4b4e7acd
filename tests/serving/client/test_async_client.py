import asyncio

import numpy as np
import pytest

from ctrmoe.serving.client import AsyncGrpcClient, AsyncRestClient, ClientOptions, VersionStatus


@pytest.mark.parametrize("way", ["rest", "grpc"])
def test_calls_run_side_by_side_in_one_loop(way, server, run, test_rows):
    from ctrmoe.scorer import Scorer

    def client():
        options = ClientOptions(max_rows=50, version=1)
        if way == "rest":
            return AsyncRestClient(f"http://127.0.0.1:{server.rest_port}", "clicks", options)
        return AsyncGrpcClient(f"127.0.0.1:{server.grpc_port}", "clicks", options)

    async def ask():
        async with client() as connected:
            assert await connected.wait_until_available(5) == 1
            assert await connected.status() == [VersionStatus(1, "AVAILABLE")]
            parts = (test_rows[:300], test_rows[300:])
            return await asyncio.gather(*(connected.predict(part) for part in parts))

    answers = asyncio.run(ask())

    expected = Scorer.load(run.folder).score(test_rows)["click_probability"].to_numpy()
    found = np.concatenate([answer["click"].to_numpy() for answer in answers])
    np.testing.assert_allclose(found, expected, atol=1e-5)
