import pytest
from prometheus_client import CollectorRegistry

from ctrmoe.serving.client import ClientMetrics, ClientOptions, ServingError


def test_requests_and_scores_are_counted_by_version(connect, server, test_rows):
    registry = CollectorRegistry()
    metrics = ClientMetrics(registry)
    client = connect(server, options=ClientOptions(version=1, max_rows=20, metrics=metrics))
    wrong = connect(server, options=ClientOptions(version=9, metrics=metrics, retries=0))

    answer = client.predict(test_rows.head(50))
    with pytest.raises(ServingError):
        wrong.predict(test_rows.head(1))

    known = {"model": "clicks", "version": "1", "label": ""}
    asked = known | {"signature": "serving_default"}
    assert registry.get_sample_value("ctrmoe_client_requests_total", asked | {"code": "OK"}) == 3
    assert registry.get_sample_value("ctrmoe_client_request_seconds_count", asked) == 3
    total = registry.get_sample_value("ctrmoe_client_score_sum", known | {"task": "click"})
    assert total == pytest.approx(answer["click"].sum(), rel=1e-5)
