"""Runs requests, those of the same signature together."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from grpc import StatusCode

from ctrmoe.serving.server.batch import Batch
from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.servable import Servable
from ctrmoe.serving.server.settings import Settings
from ctrmoe.serving.server.signature import Arrays, Signature
from ctrmoe.serving.server.task import Task, cut, joined

logger = logging.getLogger(__name__)

Watcher = Callable[[Batch], None]


class Batcher:
    """Threads that take what waits, as much of one kind as fits a batch.

    While a batch runs, requests gather for the next one: no request waits for others to come
    unless `batch_timeout_ms` says so. Rows are independent, so that an answer does not depend on
    who else was in the batch.

    Args:
        settings: Sizes and limits.
        watchers: Are told of each batch.
    """

    def __init__(self, settings: Settings, watchers: Sequence[Watcher] = ()) -> None:
        self._settings = settings
        self._watchers = watchers
        self._waiting: deque[Task] = deque()
        self._rows = 0
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batch-{index}", daemon=True)
            for index in range(settings.batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, servable: Servable, signature: Signature, inputs: Arrays,
        outputs: Sequence[str], deadline: float,
    ) -> Future[Arrays]:  # fmt: skip
        """Queues a request; the model stays loaded until it is answered.

        Args:
            servable: The model.
            signature: What to run.
            inputs: Arrays as its inputs ask for.
            outputs: What to answer with.
            deadline: When it is too late, on the monotonic clock.

        Raises:
            RequestError: If it is malformed, too large or too many rows wait.
        """
        rows = signature.rows(inputs)
        if rows > self._settings.max_rows:
            raise RequestError(
                f"Task size {rows} is larger than maximum input batch size "
                f"{self._settings.max_rows}"
            )
        parts = [
            Task(servable, signature, part, tuple(outputs), size, deadline)
            for part, size in cut(signature, inputs, rows, self._largest(servable))
        ]
        with self._changed:
            if self._closed:
                raise RequestError("The server is shutting down", StatusCode.UNAVAILABLE)
            if self._rows and self._rows + rows > self._settings.max_queued_rows:
                raise RequestError(
                    "The batch scheduling queue to which this task was submitted is full",
                    StatusCode.UNAVAILABLE,
                )
            self._rows += rows
            self._waiting.extend(parts)
            for part in parts:
                servable.acquire()
                part.future.add_done_callback(lambda _: servable.release())
            self._changed.notify(len(parts))
        return parts[0].future if len(parts) == 1 else joined(parts)

    def close(self) -> None:
        """Ends when everything that was submitted is answered."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _largest(self, servable: Servable) -> int:
        return max(servable.batch_buckets, default=self._settings.max_batch_size)

    def _work(self) -> None:
        while tasks := self._next():
            live = [task for task in tasks if self._starts(task)]
            if live:
                self._run(live)

    def _next(self) -> list[Task]:
        """Waits for tasks of one kind, the oldest first; none when the server has closed."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return []
                first = self._waiting[0]
                tasks, rows = self._of_kind(first)
                late = first.arrived + self._settings.batch_timeout_ms / 1000 - time.monotonic()
                full = rows >= self._largest(first.servable) or not first.signature.merges
                if late <= 0 or full or self._closed:
                    break
                self._changed.wait(late)
            taken = set(map(id, tasks))
            self._waiting = deque(task for task in self._waiting if id(task) not in taken)
            self._rows -= rows
            if self._waiting:  # of another kind: for another thread
                self._changed.notify()
            return tasks

    def _of_kind(self, first: Task) -> tuple[list[Task], int]:
        kind, room = first.kind, self._largest(first.servable)
        tasks: list[Task] = []
        rows = 0
        for task in self._waiting:
            if task.kind == kind and (rows + task.rows <= room or not tasks):
                tasks.append(task)
                rows += task.rows
        return tasks, rows

    def _starts(self, task: Task) -> bool:
        if not task.future.set_running_or_notify_cancel():
            return False
        if time.monotonic() < task.deadline:
            return True
        task.future.set_exception(
            RequestError("The deadline passed in the queue", StatusCode.DEADLINE_EXCEEDED)
        )
        return False

    def _run(self, tasks: list[Task]) -> None:
        try:
            batch = Batch.run(tasks)
        except BaseException as error:
            if len(tasks) == 1:
                tasks[0].future.set_exception(error)
                return
            for task in tasks:  # whose rows are at fault: the others must not suffer for them
                self._run([task])
            return
        for task, answer in zip(tasks, batch.answers(), strict=True):
            task.future.set_result(answer)
        for watcher in self._watchers:
            try:
                watcher(batch)
            except Exception:  # requests go on where nobody can count them
                logger.exception("A batch was not counted.")
