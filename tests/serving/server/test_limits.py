"""What is too large, too slow, too much or not allowed is refused, and quickly."""

import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import threading
import time

import grpc
import httpx
import pytest
from tiny_models import write_version

from ctrmoe.config import ConfigError

PATH = "/v1/models/tiny:predict"
BODY = {"inputs": {"price": [[0.5]]}}


@pytest.fixture(scope="module")
def quick_model(tmp_path_factory):
    base = tmp_path_factory.mktemp("quick") / "tiny"
    write_version(base, 1)
    return base


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory):
    """A model whose requests take some tenths of a second."""
    base = tmp_path_factory.mktemp("slow") / "tiny"
    write_version(base, 1, work=600)
    return base


@pytest.fixture
def serving():
    """Starts a server with limits; gives it and a client."""
    from ctrmoe.serving.server import start

    with contextlib.ExitStack() as opened:

        def make(base, *, scheme="http", verify=True, **options):
            server = opened.enter_context(start(base, rest_port=0, grpc_port=0, **options))
            address = f"{scheme}://127.0.0.1:{server.rest_port}"
            client = httpx.Client(base_url=address, timeout=30, verify=verify)
            return server, opened.enter_context(client)

        yield make


def predict_stub(opened, server):
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    channel = opened.enter_context(grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}"))
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def predict_request(rows=1):
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = "tiny"
    request.inputs["price"].CopyFrom(tf.make_tensor_proto([[0.5]] * rows, tf.float32))
    return request


def at_once(client, count):
    """The statuses of so many requests at the same time."""
    statuses = []
    threads = [
        threading.Thread(target=lambda: statuses.append(client.post(PATH, json=BODY).status_code))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def chunks(count):
    for _ in range(count):
        yield b" " * 1000


def test_bodies_over_the_limit(quick_model, serving):
    server, client = serving(quick_model, max_body_bytes=10_000, max_rows=50)
    bomb = gzip.compress(b" " * 5_000_000)  # 5 KB when it is packed
    zipped = {"content-encoding": "gzip"}

    start = time.monotonic()
    answers = {
        "length": client.post(PATH, content=b" " * 10_001),
        "chunks": client.post(PATH, content=chunks(11)),
        "bomb": client.post(PATH, content=bomb, headers=zipped),
        "no gzip": client.post(PATH, content=b"nonsense", headers=zipped),
        "cut gzip": client.post(PATH, content=gzip.compress(b"{}")[:-4], headers=zipped),
        "unknown": client.post(PATH, content=b"{}", headers={"content-encoding": "br"}),
        "rows": client.post(PATH, json={"inputs": {"price": [[0.5]] * 51}}),
    }
    seconds = time.monotonic() - start

    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert statuses == {
        "length": 413, "chunks": 413, "bomb": 413, "no gzip": 400, "cut gzip": 400,
        "unknown": 415, "rows": 400,
    }  # fmt: skip
    assert "Task size 51 is larger" in answers["rows"].json()["error"]
    assert seconds < 5
    with contextlib.ExitStack() as opened:
        stub = predict_stub(opened, server)
        with pytest.raises(grpc.RpcError) as large:
            stub.Predict(predict_request(5_000), timeout=20)
        with pytest.raises(grpc.RpcError) as many:
            stub.Predict(predict_request(51), timeout=20)
    assert large.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert many.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_small_body_that_grows_is_stopped_at_the_limit():
    from ctrmoe.serving.server.failures import RequestError
    from ctrmoe.serving.server.rest_body import decompress

    bomb = gzip.compress(b" " * 50_000_000)

    with pytest.raises(RequestError, match="must not exceed 1000 bytes"):
        decompress(bomb, 1000)

    assert decompress(gzip.compress(b"a" * 1000), 1000) == b"a" * 1000


def test_requests_over_the_concurrency(slow_model, serving):
    _, client = serving(slow_model, max_concurrency=2)

    statuses = at_once(client, 5)

    assert statuses[:2] == [200, 200]
    assert 429 in statuses


def test_full_queue(slow_model, serving):
    _, client = serving(slow_model, max_queued_rows=1, batch_threads=1, max_batch_size=1)

    statuses = at_once(client, 5)

    assert statuses[0] == 200
    assert statuses[-1] == 503


def test_deadline(slow_model, serving):
    server, client = serving(slow_model, timeout_seconds=0.1)

    assert client.post(PATH, json=BODY).status_code == 504
    with contextlib.ExitStack() as opened:
        stub = predict_stub(opened, server)
        with pytest.raises(grpc.RpcError) as late:
            stub.Predict(predict_request(), timeout=20)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def talk(server, *parts, pause=0.0):
    """What the server answers to bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=10) as connection:
        answer = b""
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):  # it has closed already
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            while received := connection.recv(65_536):
                answer += received
        return answer


HEAD = b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"


def test_slow_clients(quick_model, serving):
    server, client = serving(quick_model, header_timeout_seconds=0.3, timeout_seconds=0.5)

    start = time.monotonic()
    silent, half_a_head = talk(server), talk(server, HEAD)
    dripping = talk(server, *[HEAD[i : i + 1] for i in range(10)], pause=0.1)
    half_a_body = talk(server, HEAD + b"\r\n{")
    seconds = time.monotonic() - start

    assert silent == half_a_head == dripping == b""
    assert half_a_body.startswith(b"HTTP/1.1 408")
    assert seconds < 8
    assert client.post(PATH, json=BODY).status_code == 200


def test_head_over_the_limit(quick_model, serving):
    server, _ = serving(quick_model)

    answer = talk(server, HEAD + b"X: " + b"a" * 500_000)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_close_answers_what_runs(slow_model):
    from ctrmoe.serving.server import start

    server = start(slow_model, rest_port=0, grpc_port=0)
    answers = []

    def ask():
        url = f"http://127.0.0.1:{server.rest_port}{PATH}"
        answers.append(httpx.post(url, json=BODY, timeout=30).status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.15)
    server.close()
    thread.join()
    server.close()

    assert answers == [200]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.rest_port))


def test_api_key(quick_model, serving):
    server, client = serving(quick_model, api_key="secret")

    def status(**headers):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post(PATH, json=BODY, headers=names).status_code

    assert status() == status(x_api_key="other") == status(authorization="Bearer other") == 401
    assert status(x_api_key="secret") == status(authorization="Bearer secret") == 200
    assert client.get("/v1/models/tiny").status_code == 401
    assert client.get("/monitoring/prometheus/metrics").status_code == 401
    assert client.get("/healthz").status_code == 200
    with contextlib.ExitStack() as opened:
        stub = predict_stub(opened, server)
        with pytest.raises(grpc.RpcError) as refused:
            stub.Predict(predict_request(), timeout=20)
        answer = stub.Predict(predict_request(), timeout=20, metadata=[("x-api-key", "secret")])
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert answer.model_spec.version.value == 1


def test_tls(quick_model, serving, tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    subprocess.run(
        [*command.split(), "-subj", "/CN=localhost", "-keyout", key, "-out", certificate,
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(cafile=certificate)

    server, client = serving(
        quick_model, scheme="https", verify=context, tls_certificate=certificate, tls_key=key
    )

    assert client.post(PATH, json=BODY).status_code == 200
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{server.grpc_port}", trusted) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        assert stub.Predict(predict_request(), timeout=20).model_spec.version.value == 1
    start = time.monotonic()
    server.close()  # the connection of `client` is still open
    assert time.monotonic() - start < 15


def test_port_must_be_free(quick_model, serving):
    server, _ = serving(quick_model)
    from ctrmoe.serving.server import start

    with pytest.raises(ConfigError, match="`rest_port` must be free"):
        start(quick_model, rest_port=server.rest_port, grpc_port=0)
    with pytest.raises(ConfigError, match="`grpc_port` must be free"):
        start(quick_model, rest_port=0, grpc_port=server.grpc_port)


def test_only_this_machine_is_served_by_default(quick_model, serving):
    server, _ = serving(quick_model)

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.rest_port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.grpc_port))


def test_nested_json_is_refused(quick_model, serving):
    _, client = serving(quick_model)

    deep = client.post(PATH, content=b'{"inputs":' + b"[" * 100_000)
    rank = client.post(PATH, content=json.dumps({"inputs": {"price": _nested(300)}}))

    assert deep.status_code == rank.status_code == 400


def _nested(depth):
    value = 1.0
    for _ in range(depth):
        value = [value]
    return value
