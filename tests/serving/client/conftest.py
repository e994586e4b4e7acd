import pytest

from ctrmoe.serving.client import GrpcClient, RestClient


@pytest.fixture(params=["rest", "grpc"])
def connect(request):
    """Opens clients of a server over one of the ways, and closes them."""
    opened = []

    def client(server, model="clicks", options=None, tls=False):
        if request.param == "rest":
            scheme = "https" if tls else "http"
            opened.append(RestClient(f"{scheme}://127.0.0.1:{server.rest_port}", model, options))
        else:
            opened.append(GrpcClient(f"127.0.0.1:{server.grpc_port}", model, options))
        return opened[-1]

    yield client
    for one in opened:
        one.close()
