"""A server looks for versions every second: what is wrong for long is told now and then."""

from __future__ import annotations

import logging
from time import monotonic

SECONDS = 600.0


class WithoutRepeats(logging.Filter):
    """Drops a warning or an error that was told less than ten minutes ago.

    What is below a warning is an event, such as a version that is loaded once more: each is told.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether a message is to be told."""
        if record.levelno < logging.WARNING:
            return True
        now, text = monotonic(), record.getMessage()
        self._told = {said: when for said, when in self._told.items() if now - when < SECONDS}
        if text in self._told:
            return False
        self._told[text] = now
        return True
