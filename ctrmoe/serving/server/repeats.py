"""A server looks for versions every second: what is wrong for long is told now and then."""

from __future__ import annotations

import logging
from time import monotonic

SECONDS = 600.0


class WithoutRepeats(logging.Filter):
    """Drops a message that was told less than ten minutes ago."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether a message is to be told."""
        now, text = monotonic(), record.getMessage()
        self._told = {said: when for said, when in self._told.items() if now - when < SECONDS}
        if text in self._told:
            return False
        self._told[text] = now
        return True
