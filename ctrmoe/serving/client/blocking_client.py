"""A client for code without an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

import polars as pl

from ctrmoe.serving.client.async_client import AsyncClient
from ctrmoe.serving.client.raw_rows import Rows
from ctrmoe.serving.client.status import VersionStatus

T = TypeVar("T")


class BlockingClient:
    """Runs an `AsyncClient` on a thread of its own; may be called from several threads.

    Args:
        make: Makes the client, within the event loop that it will run in.
    """

    def __init__(self, make: Callable[[], AsyncClient]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="serving-client", daemon=True
        )
        self._thread.start()

        async def made() -> AsyncClient:
            return make()

        try:
            self._client = self._run(made())
        except BaseException:
            self._stop()
            raise

    def predict(
        self, rows: Rows, *, signature: str = "serving_default", deadline: float | None = None
    ) -> pl.DataFrame:
        """Returns what `AsyncClient.predict` returns."""
        return self._run(self._client.predict(rows, signature=signature, deadline=deadline))

    def predict_candidates(
        self, shared: dict[str, Any], candidates: Rows, *, deadline: float | None = None
    ) -> pl.DataFrame:
        """Returns what `AsyncClient.predict_candidates` returns."""
        return self._run(self._client.predict_candidates(shared, candidates, deadline=deadline))

    def status(self) -> list[VersionStatus]:
        """Returns what `AsyncClient.status` returns."""
        return self._run(self._client.status())

    def wait_until_available(self, timeout: float = 60.0) -> int:
        """Returns what `AsyncClient.wait_until_available` returns."""
        return self._run(self._client.wait_until_available(timeout))

    def close(self) -> None:
        """Closes the connections and ends the thread."""
        if self._thread.is_alive():
            self._run(self._client.close())
            self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop.is_closed():
            work.close()
            raise RuntimeError("The client must be open. Received: a closed one. Make another.")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
