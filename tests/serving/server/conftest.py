import os
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

SAMPLE = {"DT_STRING": ["a", "b"], "DT_INT64": [1, 2], "DT_FLOAT": [0.5, 2.5]}


@dataclass
class Target:
    """A server that is asked, and two rows for the signature `serving_default` of its model."""

    rest: httpx.Client
    channel: Any
    model: str
    columns: dict[str, list]

    @property
    def rows(self):
        return [
            dict(zip(self.columns, row, strict=True))
            for row in zip(*self.columns.values(), strict=True)
        ]

    def predict(self, body, path=None):
        """Posts JSON, or the bytes that are given."""
        if not isinstance(body, bytes):
            return self.rest.post(path or f"/v1/models/{self.model}:predict", json=body)
        return self.rest.post(path or f"/v1/models/{self.model}:predict", content=body)


def _target(rest_url, grpc_address, model):
    import grpc

    rest = httpx.Client(base_url=rest_url, timeout=30)
    document = rest.get(f"/v1/models/{model}/metadata").json()["metadata"]["signature_def"]
    inputs = document["signature_def"]["serving_default"]["inputs"]
    columns = {name: [[value] for value in SAMPLE[of["dtype"]]] for name, of in inputs.items()}
    return Target(rest, grpc.insecure_channel(grpc_address), model, columns)


@pytest.fixture(scope="session")
def ours(server):
    """Our server as a target."""
    opened = _target(
        f"http://127.0.0.1:{server.rest_port}", f"127.0.0.1:{server.grpc_port}", "clicks"
    )
    yield opened
    opened.rest.close()
    opened.channel.close()


REAL = {"CTRMOE_TFS_REST", "CTRMOE_TFS_GRPC"} <= set(os.environ)


@pytest.fixture(scope="session", params=["ours", *(["tensorflow_model_server"] if REAL else [])])
def target(request):
    """Our server; a real one too where the environment says how to reach it.

    CTRMOE_TFS_REST is an address like `http://127.0.0.1:8501`, CTRMOE_TFS_GRPC one like
    `127.0.0.1:8500`; CTRMOE_TFS_MODEL names a model that `ctrmoe export` wrote, `clicks` if unset.
    """
    if request.param == "ours":
        return request.getfixturevalue("ours")
    model = os.environ.get("CTRMOE_TFS_MODEL", "clicks")
    return _target(os.environ["CTRMOE_TFS_REST"], os.environ["CTRMOE_TFS_GRPC"], model)


@pytest.fixture(scope="session")
def rest(ours):
    """A client of our server's REST port."""
    return ours.rest


@pytest.fixture(scope="session")
def columns(run, test_rows):
    """Four raw rows as columns of JSON, with the inputs of `serving_default`."""
    from ctrmoe.export.raw_tensors import raw_tensors

    arrays = raw_tensors(test_rows.head(4), run.encoder.schema)
    return {name: _json(array.numpy()) for name, array in arrays.items()}


def _json(array):
    values = array.tolist()
    if array.dtype != object:
        return values
    return [[text.decode() for text in row] for row in values]


@pytest.fixture(scope="session")
def expected(run, test_rows):
    """The probabilities of the four rows, by task."""
    from ctrmoe.scorer import Scorer

    scores = Scorer.load(run.folder).score(test_rows.head(4))
    return {task: scores[f"{task}_probability"].to_numpy() for task in run.tasks}
