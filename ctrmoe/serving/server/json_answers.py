"""Answers as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
from google.protobuf import json_format

from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.json_predict import Form

BYTES_SUFFIX = "_bytes"


def predict_answer(outputs: Mapping[str, np.ndarray], form: Form) -> bytes:
    """Returns the body of an answer in the form of its request.

    Raises:
        RequestError: If rows are asked for and the outputs are not one a row.
    """
    finite = all(a.dtype.kind != "f" or bool(np.isfinite(a).all()) for a in outputs.values())
    columns = {name: _writable(name, array, finite) for name, array in outputs.items()}
    only = next(iter(columns.values())) if len(columns) == 1 else None
    if form == "columnar":
        return dump({"outputs": columns if only is None else only}, finite)
    _check_rows(outputs)
    if only is not None:
        return dump({"predictions": only}, finite)
    rows = zip(*columns.values(), strict=True)
    return dump({"predictions": [dict(zip(columns, row, strict=True)) for row in rows]}, finite)


def dump(document: Any, finite: bool = True) -> bytes:
    """Returns JSON text.

    Args:
        document: What to write; arrays only where all numbers are finite.
        finite: If not, there are the tokens NaN, Infinity and -Infinity, which are no JSON but
            what TensorFlow Serving writes.
    """
    if finite:
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(document, separators=(",", ":")).encode()


def error_answer(message: str) -> bytes:
    """Returns the body of an error."""
    return orjson.dumps({"error": message.encode("utf-8", "replace").decode()})


def proto_answer(message: Any) -> dict[str, Any]:
    """Returns a protocol buffer as JSON, with its defaults and the names of the `.proto` file."""
    answer: dict[str, Any] = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return answer


def _writable(name: str, array: np.ndarray, finite: bool) -> Any:
    if array.dtype.kind == "O":
        return _texts(array.tolist(), name.endswith(BYTES_SUFFIX))
    if not finite:
        return _shortest(array)
    return np.ascontiguousarray(array) if array.ndim else array[()]


def _shortest(array: np.ndarray) -> Any:
    """Returns an array as lists; a float32 is the shortest number that is read as the same."""
    if array.dtype != np.float32:
        return array.tolist()
    return np.array([shortest_number(x) for x in array.ravel()]).reshape(array.shape).tolist()


def shortest_number(value: float) -> float:
    """Returns the number with the fewest digits that is the same float32."""
    return float(str(np.float32(value)))


def _texts(value: Any, as_bytes: bool) -> Any:
    if isinstance(value, list):
        return [_texts(element, as_bytes) for element in value]
    data = value if isinstance(value, bytes) else str(value).encode()
    if as_bytes:
        return {"b64": base64.b64encode(data).decode()}
    return data.decode("utf-8", "replace")


def _check_rows(outputs: Mapping[str, np.ndarray]) -> None:
    size = None
    for name, array in outputs.items():
        if array.ndim == 0:
            raise RequestError(f"Tensor name: {name} has no shape information ")
        if size is not None and len(array) != size:
            raise RequestError(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {size}"
            )
        size = len(array)
