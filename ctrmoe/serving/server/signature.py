"""One signature of a loaded model: what a request must hold and how its rows are cut."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from ctrmoe.serving.server.failures import RequestError

Arrays = dict[str, np.ndarray]
CANDIDATES = "serve_candidates"


@dataclass(frozen=True)
class Input:
    """A tensor that a signature takes; unknown dimensions are None, an unknown rank too."""

    tensor: str
    dtype: tf.DType
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs by name.

    Args:
        name: Of the signature.
        inputs: What it takes.
        outputs: Names of the graph's tensors.
        row_inputs: The inputs that have one element a row; the others are shared by all rows.
    """

    name: str
    inputs: dict[str, Input]
    outputs: dict[str, str]
    row_inputs: frozenset[str]

    @classmethod
    def of(cls, name: str, definition: Any, candidate_columns: Collection[str]) -> Signature:
        """Reads a `SignatureDef`."""
        inputs = {
            key: Input(info.name, tf.as_dtype(info.dtype), _shape(info.tensor_shape))
            for key, info in definition.inputs.items()
        }
        rows = [_shape(info.tensor_shape) for info in definition.outputs.values()]
        columns = candidate_columns if name == CANDIDATES else inputs
        by_row = {key for key in columns if key in inputs and _is_by_row(inputs[key].shape)}
        return cls(
            name,
            inputs,
            {key: info.name for key, info in definition.outputs.items()},
            frozenset(by_row if all(map(_is_by_row, rows)) else ()),
        )

    @cached_property
    def types(self) -> dict[str, tf.DType]:
        """Types of the inputs."""
        return {name: of.dtype for name, of in self.inputs.items()}

    @cached_property
    def merges(self) -> bool:
        """Whether rows of several requests may run together."""
        return bool(self.inputs) and self.row_inputs == set(self.inputs)

    @cached_property
    def takes_examples(self) -> bool:
        """Whether its one input is serialized `tf.Example` records."""
        inputs = list(self.inputs.values())
        return len(inputs) == 1 and inputs[0].dtype == tf.string and inputs[0].shape == (None,)

    def by_row(self, inputs: Arrays) -> frozenset[str]:
        """Returns the inputs of a request that have one element a row.

        Those that candidates share have one element for all of them, or one for each.
        """
        rows = max(len(inputs[name]) for name in self.row_inputs)
        shared = {name for name, array in inputs.items() if array.ndim and len(array) == rows > 1}
        return self.row_inputs | shared

    def rows(self, inputs: Arrays) -> int:
        """Returns how many rows a request has.

        Raises:
            RequestError: If a shape does not fit, or rows are not as many in each input.
        """
        for name, array in inputs.items():
            if not _fits(array.shape, self.inputs[name].shape):
                expected = [-1 if size is None else size for size in self.inputs[name].shape or ()]
                raise RequestError(
                    f"Tensor {name} must have the shape {expected}. Received: {list(array.shape)}"
                )
        counts = {len(inputs[name]) for name in self.row_inputs}
        if len(counts) > 1:
            raise RequestError("Batching Run() input tensors must have equal 0th-dimension size")
        sizes = counts or {len(array) for array in inputs.values() if array.ndim}
        return max(sizes, default=1)


def _shape(proto: Any) -> tuple[int | None, ...] | None:
    if proto.unknown_rank:
        return None
    return tuple(None if dimension.size < 0 else dimension.size for dimension in proto.dim)


def _is_by_row(shape: tuple[int | None, ...] | None) -> bool:
    return bool(shape) and shape is not None and shape[0] is None


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...] | None) -> bool:
    if expected is None:
        return True
    return len(shape) == len(expected) and all(
        size in (None, given) for given, size in zip(shape, expected, strict=True)
    )
