"""What the load on the local server is held to, and its table."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import serving_load

    yield serving_load
    for name in ("serving_load", "clocks"):
        sys.modules.pop(name, None)


@pytest.fixture
def long(bench):
    return {
        "way": "gRPC",
        "signature": "serving_default",
        "load": bench.Load(seconds=120, concurrency=16),
        "requests": 1234,
        "failed": 0,
        "rows_s": 800.0,
        "p50_ms": 10.0,
        "p95_ms": 20.0,
        "p99_ms": 30.0,
        "p99.9_ms": 40.0,
    }


def test_load_that_holds_misses_nothing(bench, long):
    assert bench.missed(long, {"serving_default": 1000.0}) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rows_s": 690.0}, "69% of the bare graph's rows/s"),
        ({"p99_ms": 51.0}, "p99 is 5.1 times the median"),
        ({"failed": 1}, "1 requests failed"),
    ],
)
def test_load_that_does_not_hold_says_what(bench, long, changed, said):
    assert bench.missed(long | changed, {"serving_default": 1000.0}) == [said]


def test_table_has_a_line_for_each_load(bench, long):
    rated = long | {"load": bench.Load(seconds=3, rate=50)}

    text = bench.table([long, rated], {"serving_default": 1000.0}, "serving_load.py --short 3")

    assert (
        "| gRPC | `serving_default` | 16 at a time, 120 s | 1,234 | 0 | 800 | 80% | 10.0 |" in text
    )
    assert "| 50 requests/s, 3 s |" in text
    assert "Bare graph, 200 rows a call, rows/s: `serving_default` 1,000." in text
