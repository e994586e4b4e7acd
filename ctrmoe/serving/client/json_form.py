"""Requests and answers of TensorFlow Serving's REST interface."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson

from ctrmoe.serving.client.options import ClientOptions
from ctrmoe.serving.client.pieces import Answer
from ctrmoe.serving.client.raw_rows import Arrays
from ctrmoe.serving.client.serving_error import CODES, ServingError
from ctrmoe.serving.client.signature import Signature


def model_path(model: str, options: ClientOptions) -> str:
    """Returns the path of a model, of its version or of its label."""
    path = f"/v1/models/{quote(model, safe='')}"
    if options.version is not None:
        return f"{path}/versions/{options.version}"
    return path if options.label is None else f"{path}/labels/{quote(options.label, safe='')}"


def body(signature: str, arrays: Arrays) -> bytes:
    """Returns a request in columns, which a server reads faster than rows."""
    columns = b",".join(orjson.dumps(name) + b":" + _column(a) for name, a in arrays.items())
    return b'{"signature_name":%b,"inputs":{%b}}' % (orjson.dumps(signature), columns)


def _column(array: np.ndarray) -> bytes:
    if array.dtype == object:
        return orjson.dumps(array.tolist())
    if np.isinf(array).any():
        return json.dumps(array.tolist()).encode()
    text = orjson.dumps(np.ascontiguousarray(array), option=orjson.OPT_SERIALIZE_NUMPY)
    # A missing number is NaN to TensorFlow Serving, which refuses null.
    return text.replace(b"null", b"NaN")


def answer_of(content: bytes, signature: Signature) -> Answer:
    """Reads an answer in columns; a single output goes without its name.

    Raises:
        ServingError: If it is no JSON or holds no outputs.
    """
    outputs = _parsed(content).get("outputs")
    if outputs is None:
        raise ServingError("UNKNOWN", f"The answer must hold outputs. Received: {content[:200]!r}")
    if not isinstance(outputs, Mapping):
        outputs = {signature.outputs[0]: outputs}
    return Answer({name: np.array(outputs[name], np.float32) for name in signature.outputs})


def parsed(status: int, content: bytes) -> dict[str, Any]:
    """Returns the answer of a status or of metadata; raises what `check` raises."""
    check(status, content)
    return _parsed(content)


def check(status: int, content: bytes) -> None:
    """Raises the server's error, where the HTTP status is none of success.

    Raises:
        ServingError: With the code of the status and the message of the body.
    """
    if status != 200:
        message = error_text(content) or f"HTTP {status}"
        raise ServingError(CODES.get(status, "UNKNOWN"), message)


def error_text(content: bytes) -> str:
    """Returns what an answer that is none of success says."""
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        return content[:200].decode(errors="replace")


def _parsed(content: bytes) -> dict[str, Any]:
    try:
        # NaN is a word of TensorFlow Serving's JSON, which orjson does not know.
        answer = json.loads(content) if b"N" in content else orjson.loads(content)
    except ValueError as error:
        raise ServingError("UNKNOWN", f"The answer must be JSON. Received: {error}") from error
    if not isinstance(answer, dict):
        raise ServingError("UNKNOWN", f"The answer must be an object. Received: {content[:200]!r}")
    return answer
