"""Connections of clients that are too slow are closed."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


def protocol_with_timeout(seconds: float) -> type[asyncio.Protocol]:
    """Returns a protocol that closes a connection when the head of a request takes longer."""

    class TimedProtocol(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._head_timer = self.loop.call_later(seconds, self._close_if_waiting)

        def data_received(self, data: bytes) -> None:
            if self._waits_for_head() and self._head_timer.cancelled():
                self._head_timer = self.loop.call_later(seconds, self._close_if_waiting)
            super().data_received(data)
            if not self._waits_for_head():
                self._head_timer.cancel()

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_timer.cancel()
            super().connection_lost(exc)

        def _waits_for_head(self) -> bool:
            return self.conn.their_state is h11.IDLE

        def _close_if_waiting(self) -> None:
            if self._waits_for_head() and not self.transport.is_closing():
                self.transport.close()

    return TimedProtocol
