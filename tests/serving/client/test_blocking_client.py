"""Clients of both kinds against a running server."""

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import polars as pl
import pytest
from tiny_models import probabilities, write_version

from ctrmoe.config import ConfigError
from ctrmoe.schema import SchemaError
from ctrmoe.serving.client import ClientOptions, RestClient, ServingError, VersionStatus


@pytest.fixture(scope="module")
def scores(run, test_rows):
    from ctrmoe.scorer import Scorer

    return Scorer.load(run.folder).score(test_rows)


@pytest.fixture
def serve(tmp_path):
    """Starts servers of tiny models, `base/shop`, and closes them."""
    from ctrmoe.serving.server import start

    opened = []

    def started(**settings):
        defaults = {"rest_port": 0, "grpc_port": 0, "poll_seconds": 0.05}
        opened.append(start(tmp_path / "shop", **(defaults | settings)))
        return opened[-1]

    yield started
    for one in opened:
        one.close()


def agree(answer, scores):
    for task in answer.columns:
        expected = scores[f"{task}_probability"].to_numpy()
        np.testing.assert_allclose(answer[task].to_numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("max_rows", [1000, 97])
def test_probabilities_are_those_of_the_run_in_the_rows_order(
    connect, server, test_rows, scores, max_rows
):
    client = connect(server, options=ClientOptions(max_rows=max_rows))

    answer = client.predict(test_rows)

    assert answer.columns == ["click", "conversion"]
    assert answer.height == test_rows.height
    agree(answer, scores)


def test_rows_of_other_forms_get_the_same_probabilities(connect, server, test_rows, scores):
    client, rows = connect(server), test_rows.head(20)

    for form in (rows.to_dicts(), rows.to_dict(as_series=False), rows.to_pandas()):
        agree(client.predict(form), scores.head(20))


def test_missing_and_unread_columns_do_no_harm(connect, server, run, test_rows):
    from ctrmoe.scorer import Scorer

    rows = test_rows.head(20)
    gone = [f.name for f in run.encoder.schema.features if f.name != "user_id"]
    nulls = rows.with_columns(pl.lit(None).cast(rows[name].dtype).alias(name) for name in gone)

    answer = connect(server).predict(rows.select("user_id", pl.lit(1).alias("unread")))

    # The domain is missing too: nothing but the user is known.
    nulls = nulls.with_columns(pl.lit(None).cast(pl.String).alias(run.encoder.schema.domain))
    agree(answer, Scorer.load(run.folder).score(nulls))


def test_calls_from_several_threads_get_their_own_answers(connect, server, test_rows, scores):
    client = connect(server)

    def ask(start):
        return client.predict(test_rows[start : start + 10])

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(0, 200, 10)))

    agree(pl.concat(answers), scores.head(200))


def test_state_of_the_versions(connect, server):
    client = connect(server)

    assert client.status() == [VersionStatus(1, "AVAILABLE")]
    assert client.wait_until_available(5) == 1


def test_what_the_server_refuses_is_an_error_with_its_text(connect, server, test_rows):
    unknown = connect(server, "unknown", ClientOptions(retries=0))

    with pytest.raises(ServingError, match="^NOT_FOUND: .*Servable not found for request: Latest"):
        unknown.predict(test_rows.head(1))
    with pytest.raises(TimeoutError, match="unknown must be AVAILABLE within 0.3 s. Received: NOT"):
        unknown.wait_until_available(0.3)
    with pytest.raises(ConfigError, match="`signature` must be one of the model's. Received: 'x'"):
        connect(server).predict(test_rows.head(1), signature="x")
    with pytest.raises(SchemaError, match="`user_id` must hold whole numbers. Received: 'me'"):
        connect(server).predict([{"user_id": "me"}])


def test_deadline_holds_for_the_whole_call(connect, server, test_rows):
    client = connect(server)
    client.predict(test_rows.head(1))

    with pytest.raises(TimeoutError, match=r"clicks must answer within 1e-05 s\."):
        client.predict(test_rows, deadline=1e-5)


def test_server_that_is_not_there_is_unavailable(connect, server):
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]

    class Nowhere:
        rest_port = grpc_port = port

    client = connect(Nowhere, options=ClientOptions(retries=1, backoff=0.01))
    with pytest.raises(ServingError, match="^UNAVAILABLE"):
        client.status()


def test_busy_server_is_asked_again(connect, serve, tmp_path):
    write_version(tmp_path / "shop", 1, work=30)
    server = serve(max_concurrency=1)
    patient = connect(server, "shop", ClientOptions(retries=12, backoff=0.02))
    hasty = connect(server, "shop", ClientOptions(retries=0))
    hasty.predict([{"price": 0}])

    def outcomes(client):
        def ask(number):
            try:
                return client.predict([{"price": number}])["click"][0]
            except ServingError as error:
                return error.code

        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(ask, range(16)))

    assert outcomes(patient) == pytest.approx(probabilities(np.arange(16)), abs=1e-5)
    assert "RESOURCE_EXHAUSTED" in outcomes(hasty)


def test_key_is_sent(connect, serve, tmp_path):
    write_version(tmp_path / "shop", 1)
    server = serve(api_key="secret")

    with pytest.raises(ServingError, match="^UNAUTHENTICATED"):
        connect(server, "shop").predict([{"price": 1}])
    answer = connect(server, "shop", ClientOptions(api_key="secret")).predict([{"price": 1}])
    assert answer["click"][0] == pytest.approx(probabilities([1])[0], abs=1e-6)


def test_certificate_of_the_server_is_checked(serve, connect, tmp_path):
    # In this order the clients close first: a server waits for the end of TLS for half a minute.
    write_version(tmp_path / "shop", 1)
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [*"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(),
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    server = serve(tls_certificate=certificate, tls_key=key)
    trusting = ClientOptions(root_certificates=certificate)

    answer = connect(server, "shop", trusting, tls=True).predict([{"price": 1}])

    assert answer["click"][0] == pytest.approx(probabilities([1])[0], abs=1e-6)
    wary = ClientOptions(tls=True, retries=0)
    with pytest.raises(ServingError, match=r"^UNAVAILABLE.*(?i:certificate)"):
        connect(server, "shop", wary, tls=True).predict([{"price": 1}])


@pytest.mark.parametrize(
    ("connect", "first"), [("rest", "client"), ("grpc", "model")], indirect=["connect"]
)
def test_new_feature_is_rolled_out_in_any_order_without_a_failed_request(
    connect, serve, tmp_path, first
):
    """P24: the rows get a column and the model an input; neither waits for the other."""
    write_version(tmp_path / "shop", 1)
    client = connect(serve(), "shop")
    has_column, failures, seen, stop = threading.Event(), [], set(), threading.Event()

    def ask():
        while not stop.is_set():
            row = {"price": 0.5} | ({"weight": 2.0} if has_column.is_set() else {})
            try:
                score = client.predict([row])["click"][0]
            except Exception as error:
                failures.append(error)
                return
            seen.add(round(float(score), 3))

    def until(score):
        end = time.monotonic() + 30
        while score not in seen and not failures and time.monotonic() < end:
            time.sleep(0.01)
        assert not failures
        assert score in seen

    old, halfway, new = (round(float(probabilities([x], bias=b)[0]), 3) for x, b in
                         ((0.5, 0), (0.5, 0.25), (2.5, 0.25)))  # fmt: skip
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        until(old)
        for step in (first, "model" if first == "client" else "client"):
            if step == "client":
                has_column.set()
                until(old if first == "client" else new)
            else:
                write_version(tmp_path / "shop", 2, ("price", "weight"), bias=0.25)
                until(new if first == "client" else halfway)
    finally:
        stop.set()
        thread.join()
    assert failures == []


def test_rest_client_loads_no_tensorflow(server):
    code = (
        "import sys\nfrom ctrmoe.serving.client import RestClient\n"
        f"with RestClient('http://127.0.0.1:{server.rest_port}', 'clicks') as client:\n"
        "    client.predict([{'user_id': 1}])\n"
        "print([m for m in ('tensorflow', 'keras', 'grpc') if m in sys.modules])"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert printed.stdout.strip() == "[]", printed.stderr


def test_closed_client_may_be_closed_again(server):
    client = RestClient(f"http://127.0.0.1:{server.rest_port}", "clicks")

    client.close()
    client.close()

    with pytest.raises(RuntimeError, match="The client must be open. Received: a closed one"):
        client.status()
