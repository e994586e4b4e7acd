"""What all clients do: deadlines, retries, splitting, metadata that may have changed."""

from __future__ import annotations

import asyncio
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self, TypeVar

import polars as pl

from ctrmoe.serving.client.options import ClientOptions
from ctrmoe.serving.client.pieces import Answer, Call, joined
from ctrmoe.serving.client.raw_rows import Arrays, Rows
from ctrmoe.serving.client.serving_error import ServingError
from ctrmoe.serving.client.signature import Signature, read_signature
from ctrmoe.serving.client.status import VersionStatus, newest_available, read_status

POLL_SECONDS = 0.1
T = TypeVar("T")
_END = ContextVar[float]("_END")
"""When the call that a task belongs to must have ended, by the clock of its loop."""


class AsyncClient(ABC):
    """A client of one model; a way of transport is a child.

    Args:
        model: Name of the model.
        options: The defaults if left out.
    """

    def __init__(self, model: str, options: ClientOptions | None = None) -> None:
        self.model = model
        self.options = options or ClientOptions()
        self._signatures: dict[str, Signature] = {}
        self._places = asyncio.Semaphore(self.options.side_by_side)

    async def predict(
        self, rows: Rows, *, signature: str = "serving_default", deadline: float | None = None
    ) -> pl.DataFrame:
        """Returns a column of probabilities for each task, a row for each row.

        A column that the model does not read is left out, one that it reads and the rows lack is
        missing, so that clients and models may be rolled out in any order.

        Args:
            rows: A list of dicts, a dict of columns, a polars or a pandas frame of raw rows.
            signature: Takes raw columns.
            deadline: Seconds for this call, in place of the client's.

        Raises:
            SchemaError: If a column can't be what the model takes.
            ServingError: What the server answered instead.
            TimeoutError: If the deadline has passed.
        """
        return await self._within(deadline, self._scored(Call.of(rows), signature))

    async def predict_candidates(
        self, shared: dict[str, Any], candidates: Rows, *, deadline: float | None = None
    ) -> pl.DataFrame:
        """Returns the probabilities of candidates that share a row: a user and the context.

        Args:
            shared: What they share; it is sent, and looked up, once for each request.
            candidates: As `rows` of `predict`.
            deadline: As in `predict`, which raises the same.
        """
        call = Call.of(candidates, shared)
        return await self._within(deadline, self._scored(call, "serve_candidates"))

    async def status(self) -> list[VersionStatus]:
        """Returns the state of each version, or of the one that is asked by its number."""
        return read_status(await self._within(None, self._retried(self._status)))

    async def metadata(self) -> dict[str, Any]:
        """Returns the model's signatures as the server describes them."""
        return await self._within(None, self._retried(self._metadata))

    async def wait_until_available(self, timeout: float = 60.0) -> int:
        """Waits until the model, or the version or label that is asked, answers requests.

        Returns:
            The version.

        Raises:
            TimeoutError: If it does not; says the state.
        """
        state: Any = "no answer"
        try:
            async with asyncio.timeout(timeout):
                while True:
                    try:
                        if self.options.label is not None:
                            # The status disregards labels, and metadata needs a loaded version.
                            metadata = await self._metadata(timeout)
                            return int(metadata["model_spec"]["version"])
                        state = read_status(await self._status(timeout))
                        if (found := newest_available(state)) is not None:
                            return found
                    except ServingError as error:
                        state = error
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise TimeoutError(
                f"{self.model} must be AVAILABLE within {timeout} s. Received: {state}."
            ) from None

    @abstractmethod
    async def close(self) -> None:
        """Closes the connections."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    @abstractmethod
    async def _send(self, signature: Signature, arrays: Arrays, seconds: float) -> Answer:
        """Sends one request; raises `ServingError`."""

    @abstractmethod
    async def _metadata(self, seconds: float) -> dict[str, Any]:
        """Returns the metadata in the form of REST."""

    @abstractmethod
    async def _status(self, seconds: float) -> dict[str, Any]:
        """Returns the status in the form of REST."""

    async def _within(self, deadline: float | None, work: Awaitable[T]) -> T:
        seconds = self.options.deadline if deadline is None else deadline
        try:
            async with asyncio.timeout(seconds) as limit:
                _END.set(limit.when() or 0.0)
                return await work
        except TimeoutError:
            raise TimeoutError(f"{self.model} must answer within {seconds} s.") from None

    async def _scored(self, call: Call, name: str) -> pl.DataFrame:
        signature = await self._signature(name)
        try:
            return await self._joined(call, signature)
        except ServingError as error:
            if not error.is_mismatch:
                raise
            # The label may be another version's by now, which takes other columns.
            renewed = await self._signature(name, renew=True)
            if renewed == signature:
                raise
            return await self._joined(call, renewed)

    async def _signature(self, name: str, *, renew: bool = False) -> Signature:
        if renew or name not in self._signatures:
            metadata = await self._retried(self._metadata)
            self._signatures[name] = read_signature(metadata, name)
        return self._signatures[name]

    async def _joined(self, call: Call, signature: Signature) -> pl.DataFrame:
        pieces = call.pieces(signature, self.options.max_rows)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._answer(signature, piece)) for piece in pieces]
        except* ServingError as errors:
            first: BaseException = errors
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
        else:
            return joined([task.result() for task in tasks], signature)
        raise first

    async def _answer(self, signature: Signature, arrays: Arrays) -> Answer:
        async with self._places:
            start = time.perf_counter()
            code, answer = "UNKNOWN", None
            try:
                answer = await self._retried(lambda seconds: self._send(signature, arrays, seconds))
                code = "OK"
                return answer
            except ServingError as error:
                code = error.code
                raise
            finally:
                if self.options.metrics:
                    seconds = time.perf_counter() - start
                    self.options.metrics.observe(self, signature.name, code, seconds, answer)

    async def _retried(self, attempt: Callable[[float], Awaitable[T]]) -> T:
        """Calls `attempt` with the seconds that are left, again where the server was busy."""
        clock, wait = asyncio.get_running_loop().time, self.options.backoff
        for _ in range(self.options.retries):
            try:
                return await attempt(_END.get() - clock())
            except ServingError as error:
                if not error.is_passing:
                    raise
            # Clients that were refused together must not come back together.
            await asyncio.sleep(wait * random.uniform(0.5, 1.5))
            wait *= 2
        return await attempt(_END.get() - clock())
