"""A few of the requests of `benchmarks/serving_fuzz.py`."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def fuzz():
    sys.path.insert(0, str(BENCHMARKS))
    import serving_fuzz

    yield serving_fuzz
    sys.path.remove(str(BENCHMARKS))
    sys.modules.pop("serving_fuzz")


def drawn(strategy, ask, count):
    """Asks with so many examples; returns what came back."""
    answers = Counter()

    @settings(max_examples=count, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def run(data):
        answers[ask(data.draw(strategy))] += 1

    run()
    return answers


def test_no_request_over_rest_fails_the_server(fuzz, ours):
    strategy = fuzz.rest_requests(ours.model, ours.columns)

    answers = drawn(strategy, lambda asked: fuzz.ask_rest(ours.rest, asked), 200)

    assert {200, 400, 404} <= set(answers)


def test_no_request_over_grpc_fails_the_server(fuzz, ours):
    strategy = fuzz.grpc_requests(fuzz.sample_message(ours.columns, ours.model))

    answers = drawn(strategy, lambda message: fuzz.ask_grpc(ours.channel, message), 100)

    assert {"OK", "INVALID_ARGUMENT", "INTERNAL"} <= set(answers)
