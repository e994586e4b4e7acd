import logging

from ctrmoe.serving.server import repeats
from ctrmoe.serving.server.repeats import WithoutRepeats


def test_message_is_told_again_after_a_while_only(monkeypatch):
    clock = iter([0.0, 1.0, 2.0, 601.0, 603.0])
    monkeypatch.setattr(repeats, "monotonic", lambda: next(clock))
    only = WithoutRepeats()

    def told(text):
        record = logging.LogRecord("x", logging.WARNING, "", 0, "%s is gone", (text,), None)
        return only.filter(record)

    assert [told(text) for text in ("a", "b", "a", "a", "b")] == [True, True, False, True, True]


def test_events_are_told_each_time():
    only = WithoutRepeats()
    record = logging.LogRecord("x", logging.INFO, "", 0, "version 1 is loaded", (), None)
    assert only.filter(record) and only.filter(record)
