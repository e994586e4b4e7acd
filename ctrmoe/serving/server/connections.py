"""Connections of clients that are too slow, or that do not hang up, are closed."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

GOODBYE_SECONDS = 2.0
"""How long the other side of an encrypted connection has to end it; asyncio would wait for 30."""


def protocol_with_timeout(seconds: float) -> type[asyncio.Protocol]:
    """Returns a protocol that closes a connection when the head of a request takes longer."""
    return type("TimedProtocol", (_TimedProtocol,), {"head_seconds": seconds})


class _TimedProtocol(H11Protocol):
    head_seconds: float

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.head_seconds, self._close_if_waiting)

    def data_received(self, data: bytes) -> None:
        if self._waits_for_head() and self._head_timer.cancelled():
            self._head_timer = self.loop.call_later(self.head_seconds, self._close_if_waiting)
        super().data_received(data)
        if not self._waits_for_head():
            self._head_timer.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_timer.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._hang_up_soon()

    def shutdown(self) -> None:
        super().shutdown()
        self._hang_up_soon()

    def _waits_for_head(self) -> bool:
        return self.conn.their_state is h11.IDLE

    def _close_if_waiting(self) -> None:
        if self._waits_for_head() and not self.transport.is_closing():
            self.transport.close()

    def _hang_up_soon(self) -> None:
        if self.transport.is_closing() and self.transport.get_extra_info("sslcontext"):
            self.loop.call_later(GOODBYE_SECONDS, self.transport.abort)
