import httpx
import pytest


@pytest.fixture(scope="session")
def rest(server):
    """A client of its REST port."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}", timeout=30) as client:
        yield client


@pytest.fixture(scope="session")
def channel(server):
    """A channel to its gRPC port."""
    import grpc

    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as opened:
        yield opened


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
