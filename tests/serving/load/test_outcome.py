import pytest

from ctrmoe.serving.load.outcome import Outcome, Sample


def test_quantiles_of_all_requests_are_told():
    samples = [Sample(0.5, 0.5 + i / 1000, "OK") for i in range(1, 101)]

    figures = Outcome(samples, rows=20, seconds=2.0).figures()

    assert figures["p50_ms"] == pytest.approx(51)
    assert figures["p95_ms"] == pytest.approx(96)
    assert figures["p99.9_ms"] == figures["max_ms"] == pytest.approx(100)
    assert figures["rows_s"] == 1000
    assert figures["requests_s"] == 50
    assert figures["errors"] == {}
