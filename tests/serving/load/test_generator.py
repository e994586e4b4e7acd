import threading
import time

import numpy as np
import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.load.generator import Load, generate


class Server:
    """Answers after a while, `stalled` of its requests after a longer one."""

    def __init__(self, seconds, stalls=(), stall=0.0):
        self.seconds, self.stalls, self.stall = seconds, stalls, stall
        self.bodies, self.most, self._now = [], 0, 0
        self._lock = threading.Lock()

    def connect(self):
        return self

    def close(self):
        pass

    def __call__(self, body):
        with self._lock:
            number = len(self.bodies)
            self.bodies.append(body)
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self.stall if number in self.stalls else self.seconds)
        with self._lock:
            self._now -= 1
        return "OK" if body != b"bad" else "HTTP 400"


def test_users_send_the_next_request_when_the_one_before_is_answered():
    server = Server(0.01)

    outcome = generate(server.connect, [b"a", b"b"], 5, Load(seconds=0.5, concurrency=4))

    assert server.most == 4
    assert 100 < len(outcome.samples) <= 204
    assert len(outcome.samples) == len(server.bodies)
    assert set(server.bodies[:20]) == {b"a", b"b"}
    assert outcome.rows_s == pytest.approx(len(server.bodies) * 5 / outcome.seconds)
    assert 10 <= outcome.milliseconds(0.5) < 50


def test_requests_arrive_at_their_rate():
    server = Server(0.001)

    outcome = generate(server.connect, [b"a"], 1, Load(seconds=1, rate=200, concurrency=8))

    gaps = np.diff(sorted(sample.due for sample in outcome.samples))
    assert len(outcome.samples) == pytest.approx(200, abs=60)
    # Of exponential gaps the deviation is the mean.
    assert np.std(gaps) == pytest.approx(np.mean(gaps), rel=0.3)
    assert outcome.milliseconds(0.5) < 10


def test_same_seed_gives_the_same_arrivals():
    def dues(seed):
        load = Load(seconds=0.2, rate=100, seed=seed)
        samples = generate(Server(0).connect, [b"a"], 1, load).samples
        return sorted(sample.due for sample in samples)

    assert dues(1) == dues(1)
    assert dues(1) != dues(2)


def test_server_that_stands_still_is_seen_by_all_who_would_have_asked():
    """With one connection that stalls for 0.4 s, a closed loop would tell of one slow request."""
    server = Server(0.001, stalls=(10,), stall=0.4)

    outcome = generate(server.connect, [b"a"], 1, Load(seconds=1, rate=100, concurrency=1))

    late = [sample for sample in outcome.samples if sample.end - sample.due > 0.1]
    assert len(late) > 20
    assert outcome.milliseconds(0.99) > 300


def test_failures_are_counted_by_their_kind():
    outcome = generate(Server(0.01).connect, [b"a", b"bad"], 3, Load(seconds=0.2, concurrency=2))

    assert set(outcome.errors) == {"HTTP 400"}
    figures = outcome.figures()
    assert figures["failed"] == outcome.errors["HTTP 400"]
    answered = figures["requests"] - figures["failed"]
    assert figures["rows_s"] == pytest.approx(answered * 3 / outcome.seconds)


@pytest.mark.parametrize("name", ["seconds", "concurrency", "rate"])
@pytest.mark.parametrize("value", [0, float("nan")])
def test_what_must_be_positive_is_checked(name, value):
    with pytest.raises(ConfigError, match=f"`{name}` must be positive. Received: {value}"):
        Load(**{name: value})


def test_negative_seed_is_refused():
    with pytest.raises(ConfigError, match="`seed` must not be negative. Received: -1"):
        Load(seed=-1)
