"""Finds where a model of several tasks parts into what each task has for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

PRIVATE = "wide"
"""The table of linear terms: one for all tasks, with a column for each."""


def shared_tensors(model: keras.Model) -> list[Any]:
    """Returns the last tensors that all tasks of a functional model share.

    These are the results of layers that every output depends on and that a part of some tasks
    only reads, such as the input of the towers. Of two that depend on each other it is the
    earlier one: the logit that a chained task follows is no shared tensor.

    Args:
        model: A functional model with a dict of outputs.

    Raises:
        ValueError: If there is none.
    """
    tasks: dict[int, set[str]] = {}
    readers: dict[int, set[int]] = {}
    tensors: dict[int, Any] = {}
    for task, output in model.output.items():
        for tensor in (output, *_above(output)):
            tensors[id(tensor)] = tensor
            tasks.setdefault(id(tensor), set()).add(task)
            for source in _sources(tensor):
                readers.setdefault(id(source), set()).add(id(tensor))
    everyone = set(model.output)
    parting = {
        key: tensor
        for key, tensor in tensors.items()
        if tasks[key] == everyone
        and any(tasks[reader] != everyone for reader in readers.get(key, ()))
        and _sources(tensor)
        and tensor._keras_history.operation.name != PRIVATE
    }
    first = [t for t in parting.values() if not any(id(above) in parting for above in _above(t))]
    if not first:
        raise ValueError(
            f"The model must have a part that the tasks {', '.join(sorted(everyone))} share. "
            "Received: none. Give it an interaction or a `deep` part."
        )
    return first


def _sources(tensor: Any) -> list[Any]:
    """What the layer reads whose result the tensor is; nothing for an input."""
    operation, index, _ = tensor._keras_history
    return list(operation._inbound_nodes[index].input_tensors)


def _above(tensor: Any) -> Iterator[Any]:
    """Every tensor that one depends on, each once."""
    seen = {id(tensor)}
    waiting = _sources(tensor)
    while waiting:
        source = waiting.pop()
        if id(source) not in seen:
            seen.add(id(source))
            waiting.extend(_sources(source))
            yield source
