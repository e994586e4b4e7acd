"""The rows of a request, in parts that fit a batch."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from ctrmoe.serving.server.servable import Servable
from ctrmoe.serving.server.signature import Arrays, Signature


@dataclass(eq=False, slots=True)
class Task:
    """The rows of a request, or the part of them that fits a batch."""

    servable: Servable
    signature: Signature
    inputs: Arrays
    outputs: tuple[str, ...]
    rows: int
    deadline: float
    arrived: float = field(default_factory=time.monotonic)
    future: Future[Arrays] = field(default_factory=Future)

    @property
    def kind(self) -> tuple[object, ...]:
        """What tasks that run together have in common, trailing dimensions too."""
        if not self.signature.merges:
            return (id(self),)
        shapes = tuple(array.shape[1:] for array in self.inputs.values())
        return (id(self.servable), self.signature.name, self.outputs, tuple(self.inputs), shapes)


def cut(signature: Signature, inputs: Arrays, rows: int, largest: int) -> list[tuple[Arrays, int]]:
    """Cuts the inputs of a request into parts that fit a batch, each with its number of rows."""
    if rows <= largest or not signature.row_inputs:
        return [(inputs, rows)]
    by_row = signature.by_row(inputs)
    return [
        (
            {
                name: a[start : start + largest] if name in by_row else a
                for name, a in inputs.items()
            },
            min(largest, rows - start),
        )
        for start in range(0, rows, largest)
    ]


def joined(parts: list[Task]) -> Future[Arrays]:
    """Returns a future of the parts' answers one below the other."""
    whole: Future[Arrays] = Future()
    left = [len(parts)]
    lock = threading.Lock()

    def done(_: Future[Arrays]) -> None:
        with lock:
            left[0] -= 1
            if left[0] or not whole.set_running_or_notify_cancel():
                return
        try:
            answers = [part.future.result() for part in parts]
        except BaseException as error:
            whole.set_exception(error)
            return
        whole.set_result(
            {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]}
        )

    for part in parts:
        part.future.add_done_callback(done)
    return whole
