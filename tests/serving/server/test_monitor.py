"""Metrics of requests, of scores and of values."""

import time

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

PAGE = "/monitoring/prometheus/metrics"


@pytest.fixture
def own(exported):
    """A server of its own, whose counts begin at nothing."""
    import httpx

    from ctrmoe.serving.server import start

    with (
        start(exported.parent, rest_port=0, grpc_port=0) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.rest_port}") as client,
    ):
        yield client


def samples(client):
    response = client.get(PAGE)
    assert response.status_code == 200
    families = text_string_to_metric_families(response.text)
    return {
        (sample.name, *(f"{k}={v}" for k, v in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def total(found, name, *labels):
    return sum(v for key, v in found.items() if key[0] == name and set(labels) <= set(key))


def waited(client, name):
    """The samples, when the thread that samples batches has come to one of a name."""
    for _ in range(200):
        found = samples(client)
        if any(key[0] == name for key in found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"{name} did not come.")


def test_requests_by_the_names_of_tensorflow_serving(own, columns):
    own.post("/v1/models/clicks:predict", json={"inputs": columns})
    own.post("/v1/models/clicks:predict", json={"inputs": {}})
    own.post("/v1/models/other:predict", json={"inputs": {}})

    found = samples(own)

    count = ":tensorflow:serving:request_count"
    assert found[count, "model_name=clicks", "status=OK"] == 1
    assert found[count, "model_name=clicks", "status=INVALID_ARGUMENT"] == 1
    assert found[count, "model_name=", "status=NOT_FOUND"] == 1
    labels = ("API=predict", "entrypoint=REST", "model_name=clicks")
    assert found[":tensorflow:serving:request_latency_count", *labels] == 1
    assert found[":tensorflow:serving:request_latency_sum", *labels] > 0
    for name in ("runtime_latency", "model_warmup_latency", "batching_session:queuing_latency"):
        assert total(found, f":tensorflow:serving:{name}_count") > 0
    version = ("model_name=clicks", "signature=serving_default", "version=1")
    assert found["ctrmoe_rows_total", *version] == 4


def test_scores_and_values_by_version_and_domain(own, run, test_rows, columns, expected):
    unknown = [["nobody has this"]] * 4
    domain = run.schema.domain
    missing = next(f.name for f in run.schema.features if f.kind == "numeric")
    body = {**columns, "item_id": unknown, missing: [[float("nan")]] * 2 + columns[missing][2:]}
    response = own.post("/v1/models/clicks:predict", content=_with_nan(body))
    assert response.status_code == 200, response.text
    scores = np.ravel(response.json()["outputs"]["click"])

    found = waited(own, "ctrmoe_values_total")

    version = ("model_name=clicks", "version=1")
    where = (*version, "signature=serving_default", "task=click")
    assert total(found, "ctrmoe_score_count", *where) == 4
    assert total(found, "ctrmoe_score_sum", *where) == pytest.approx(scores.sum(), rel=1e-5)
    item = ("feature=item_id", *version)
    assert total(found, "ctrmoe_values_total", "kind=unknown", *item) == 4
    assert total(found, "ctrmoe_values_total", "kind=known", *item) == 0
    number = (f"feature={missing}", *version)
    assert total(found, "ctrmoe_values_total", "kind=missing", *number) >= 2
    by_domain = {
        value: total(found, "ctrmoe_score_count", *where, f"domain={value}")
        for value in test_rows.head(4)[domain].unique().cast(str).to_list()
    }
    counts = test_rows.head(4)[domain].cast(str).value_counts()
    assert by_domain == dict(counts.iter_rows())


def _with_nan(columns):
    import json

    return json.dumps({"inputs": columns}).encode()


def test_examples_are_sampled_too(own):
    body = {"signature_name": "regress", "examples": [{"item_id": "nobody has this"}]}
    assert own.post("/v1/models/clicks:regress", json=body).status_code == 200

    found = waited(own, "ctrmoe_values_total")

    assert total(found, "ctrmoe_values_total", "kind=unknown", "feature=item_id") == 1
    assert total(found, "ctrmoe_score_count", "signature=regress") == 1


def test_first_request_is_as_quick_as_the_others(own, columns):
    body = {"inputs": columns}
    seconds = []
    for _ in range(60):
        start = time.perf_counter()
        assert own.post("/v1/models/clicks:predict", json=body).status_code == 200
        seconds.append(time.perf_counter() - start)

    # The connection is made for the first one, on a machine that may be busy.
    assert seconds[0] <= 2 * np.quantile(seconds[1:], 0.99) + 0.05


def test_grpc_health(ours):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(ours.channel)

    for service in ("", "PredictionService", "ModelService"):
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
