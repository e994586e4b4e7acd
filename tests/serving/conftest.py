import pytest


@pytest.fixture(scope="session")
def server(exported):
    """A server of the exported model, on ports that the system chooses."""
    from ctrmoe.serving.server import start

    with start(exported.parent, rest_port=0, grpc_port=0) as running:
        yield running
