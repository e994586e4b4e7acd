import socket

import grpc
import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.server.listeners import GrpcListener, RestListener, url_host
from ctrmoe.serving.server.settings import Settings


async def application(scope, receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_host_that_is_another_machines(host, capfd):
    settings = Settings(host=host, rest_port=0, grpc_port=0)

    for listener in (GrpcListener, lambda of: RestListener(application, of)):
        with pytest.raises(ConfigError, match=f"`host` must be an address of this.*{host}"):
            listener(settings)
    assert capfd.readouterr().err == ""  # nothing of gRPC's own either


def test_port_that_is_taken_is_one_error(capfd):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"`grpc_port` must be free.*{port} \(Address alr"):
            GrpcListener(Settings(grpc_port=port))
    assert capfd.readouterr().err == ""


def _has_ipv6():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no ::1")
def test_address_of_ipv6():
    settings = Settings(host="::1", rest_port=0, grpc_port=0)
    rest, served = RestListener(application, settings), GrpcListener(settings)
    served.start()

    with socket.create_connection(("::1", rest.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 204")
    with grpc.insecure_channel(f"{url_host('::1')}:{served.port}") as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
    rest.close()
    served.close()
