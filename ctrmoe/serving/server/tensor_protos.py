"""Tensors of gRPC requests as arrays, and arrays as the tensors of answers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2

from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.json_tensors import type_text

MAX_FILLED = 1 << 20
"""Most elements that a tensor may leave to be filled with its last value."""
_FIELDS = {
    tf.float32: "float_val",
    tf.float64: "double_val",
    tf.int64: "int64_val",
    tf.int32: "int_val",
    tf.bool: "bool_val",
    tf.string: "string_val",
}


def array_of(name: str, proto: Any, dtype: tf.DType) -> np.ndarray:
    """Returns a tensor as an array.

    Args:
        name: The input, for errors.
        proto: A `TensorProto`.
        dtype: What the signature takes.

    Raises:
        RequestError: If its type is another, or its values do not fill its shape.
    """
    if proto.dtype != dtype.as_datatype_enum:
        raise RequestError(
            f"Expects arg[{name}] to be {type_text(dtype)} but {_name(proto)} is provided"
        )
    shape = [dimension.size for dimension in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0 or len(shape) > 32:
        raise RequestError(f"Tensor {name} has an invalid shape: {shape}")
    if proto.tensor_content and dtype != tf.string:
        return _of_content(name, proto, dtype, shape)
    return _of_values(name, proto, dtype, shape)


def _of_content(name: str, proto: Any, dtype: tf.DType, shape: list[int]) -> np.ndarray:
    content, expected = proto.tensor_content, math.prod(shape) * dtype.size
    if len(content) != expected:
        raise RequestError(
            f"Tensor {name} of shape {shape} must hold {expected} bytes. Received: {len(content)}"
        )
    return np.frombuffer(content, dtype.as_numpy_dtype).reshape(shape)


def _of_values(name: str, proto: Any, dtype: tf.DType, shape: list[int]) -> np.ndarray:
    if dtype not in _FIELDS:
        raise RequestError(f"Tensor {name} of type {dtype.name} must be sent as tensor_content")
    count, values = math.prod(shape), getattr(proto, _FIELDS[dtype])
    if len(values) > count or count - len(values) > MAX_FILLED:
        raise RequestError(
            f"Tensor {name} of shape {shape} must hold {count} values. Received: {len(values)}"
        )
    array = np.empty(count, dtype.as_numpy_dtype)
    array[: len(values)] = values
    default: Any = b"" if dtype == tf.string else 0
    array[len(values) :] = values[-1] if values else default
    return array.reshape(shape)


def proto_of(array: np.ndarray) -> Any:
    """Returns an array as a `TensorProto` with its values in the field of their type.

    Clients commonly read `float_val`, which is what TensorFlow Serving fills in by default.
    """
    dtype = tf.as_dtype(array.dtype)
    if dtype not in _FIELDS:
        return tf.make_tensor_proto(array)
    shape = tensor_shape_pb2.TensorShapeProto(
        dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=size) for size in array.shape]
    )
    proto = tensor_pb2.TensorProto(dtype=dtype.as_datatype_enum, tensor_shape=shape)
    getattr(proto, _FIELDS[dtype]).extend(array.ravel().tolist())
    return proto


def _name(proto: Any) -> str:
    try:
        return type_text(tf.as_dtype(proto.dtype))
    except TypeError:
        return f"type {proto.dtype}"
