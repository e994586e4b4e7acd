"""Nested JSON lists as arrays; errors are told in TensorFlow Serving's words.

Whole lists are looked at by functions that are written in C. Only where they find something
unusual is a value read element by element, in the order that decides which error is told.
"""

from __future__ import annotations

import base64
import binascii
from itertools import chain
from typing import Any

import numpy as np
import tensorflow as tf

from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.json_body import debug_text, type_name

MAX_RANK = 32
_JSON_TYPES: dict[tf.DType, set[type]] = {
    tf.float32: {float, int},
    tf.float64: {float, int},
    tf.string: {str},
    tf.bool: {bool},
}
_INTEGER: set[type] = {int}
_TYPE_TEXTS = {tf.float32: "float", tf.float64: "double"}


def type_text(dtype: tf.DType) -> str:
    """Returns what TensorFlow Serving calls a type."""
    return _TYPE_TEXTS.get(dtype, dtype.name)


def tensor(value: Any, dtype: tf.DType) -> np.ndarray:
    """Returns a number, text or nested list as an array.

    Args:
        value: Parsed JSON. A list at each level has as many elements as its neighbours.
        dtype: What the signature takes.

    Raises:
        RequestError: If it has no one shape or an element is of another type.
    """
    shape = _shape(value)
    leaves = _leaves(value, shape)
    if leaves is None or not set(map(type, leaves)) <= _JSON_TYPES.get(dtype, _INTEGER):
        leaves = []
        _read(value, shape, 0, dtype, leaves)
    return _array(leaves, dtype).reshape(shape)


def is_base64(value: Any) -> bool:
    """Returns whether a value is `{"b64": text}`, which stands for bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def decode_base64(value: Any) -> bytes:
    """Returns the bytes of `{"b64": text}`.

    Raises:
        RequestError: If it is something else.
    """
    if not is_base64(value):
        raise RequestError(
            f"JSON Value: {debug_text(value)} not formatted correctly for base64 data"
        )
    text = "".join(value["b64"].split()).rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError("Unable to base64 decode") from error


def _shape(value: Any) -> list[int]:
    """The shape that the first element of each level promises."""
    shape: list[int] = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    if len(shape) > MAX_RANK:
        raise RequestError(f"Encountered list at unexpected level: {MAX_RANK}")
    return shape


def _leaves(value: Any, shape: list[int]) -> list[Any] | None:
    """The elements in order, or nothing where a list is not of its level's size."""
    level = [value]
    for size in shape:
        if set(map(type, level)) - {list} or set(map(len, level)) - {size}:
            return None
        level = list(chain.from_iterable(level))
    return level


def _read(value: Any, shape: list[int], level: int, dtype: tf.DType, leaves: list[Any]) -> None:
    if not isinstance(value, list):
        if level != len(shape):
            raise RequestError(
                f"JSON Value: {debug_text(value)} found at incorrect level: {level + 1} in the "
                f"JSON DOM. Expected at level: {len(shape)}"
            )
        leaves.append(_element(value, dtype))
        return
    if level >= len(shape):
        raise RequestError(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise RequestError(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for element in value:
        _read(element, shape, level + 1, dtype, leaves)


def _element(value: Any, dtype: tf.DType) -> Any:
    if isinstance(value, dict) and dtype == tf.string:
        return decode_base64(value)
    if type(value) not in _JSON_TYPES.get(dtype, _INTEGER):
        raise _wrong_type(value, dtype)
    return value


def _wrong_type(value: Any, dtype: tf.DType) -> RequestError:
    return RequestError(
        f"JSON Value: {debug_text(value)} Type: {type_name(value)} is not of expected type: "
        f"{type_text(dtype)}"
    )


def _array(leaves: list[Any], dtype: tf.DType) -> np.ndarray:
    if dtype == tf.string:
        array = np.empty(len(leaves), object)
        array[:] = leaves
        return array
    if dtype.is_integer:
        limits = np.iinfo(dtype.as_numpy_dtype)
        for extreme in (min(leaves, default=0), max(leaves, default=0)):
            if not limits.min <= extreme <= limits.max:
                raise _wrong_type(extreme, dtype)
    with np.errstate(over="ignore"):  # a number beyond float32 is infinite
        return np.array(leaves, dtype.as_numpy_dtype)
