"""The examples of classify and regress requests."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import input_pb2

from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.json_body import debug_text, type_name
from ctrmoe.serving.server.json_tensors import decode_base64, is_base64

_KINDS = {"bytes_list": "bytes", "float_list": "float", "int64_list": "int64"}


def serialized_examples(request: Any) -> np.ndarray:
    """Returns the examples of an `Input`, each with the context's features besides.

    Raises:
        RequestError: If there are none.
    """
    kind = request.WhichOneof("kind")
    holder = getattr(request, kind) if kind else None
    if holder is None or not holder.examples:
        raise RequestError("Input is empty.")
    context = b""
    if kind == "example_list_with_context":
        context = holder.context.SerializeToString()
    examples = np.empty(len(holder.examples), object)
    # One message behind the other is their union; features of the latter win.
    examples[:] = [context + example.SerializeToString() for example in holder.examples]
    return examples


def read_input(document: dict[str, Any]) -> Any:
    """Returns the `Input` of a classify or regress request in JSON.

    Raises:
        RequestError: If it is not formed like one.
    """
    result = input_pb2.Input()
    holder = result.example_list
    if "context" in document:
        holder = result.example_list_with_context
        holder.context.CopyFrom(_example(document["context"]))
    if "examples" not in document:
        raise _form(
            document, "When method is classify, key 'examples' is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise _form(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise _form(document, "'examples' value is an empty array")
    holder.examples.extend(map(_example, examples))
    return result


def _form(document: dict[str, Any], message: str) -> RequestError:
    return RequestError(f"JSON Value: {debug_text(document)} {message}")


def _example(value: Any) -> Any:
    if not isinstance(value, dict):
        raise RequestError(f"Example must be JSON object but got JSON {type_name(value)}")
    features = {name: _feature(name, content) for name, content in value.items()}
    return tf.train.Example(features=tf.train.Features(feature=features))


def _feature(name: str, content: Any) -> Any:
    feature = tf.train.Feature()
    for element in content if isinstance(content, list) else [content]:
        kind, value = _typed(name, element)
        present = feature.WhichOneof("kind")
        if present not in (None, kind):
            raise RequestError(
                f"Unexpected element type in feature: {name} expecting type: {_KINDS[present]}"
            )
        getattr(feature, kind).value.append(value)
    return feature


def _typed(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, str):
        return "bytes_list", value.encode()
    if is_base64(value):
        return "bytes_list", decode_base64(value)
    if isinstance(value, float):
        return "float_list", value
    if isinstance(value, int):
        if not -(1 << 63) <= value < 1 << 63:
            raise RequestError(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
        return "int64_list", int(value)
    raise RequestError(f"Feature: {name} has element with unexpected JSON type: {type_name(value)}")
