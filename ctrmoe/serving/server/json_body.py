"""Parses a JSON body as TensorFlow Serving's parser takes it."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import orjson

from ctrmoe.serving.server.failures import RequestError

_DEBUG_LENGTH = 256
_STRING_OR_INF = re.compile(r'"(?:[^"\\]|\\.)*"|\bInf\b')
_TYPES = {
    type(None): "Null",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


def parse_body(body: bytes) -> dict[str, Any]:
    """Returns the object of a request's body.

    Beyond JSON it may hold the numbers NaN, Infinity, Inf and their negatives, begin with a byte
    order mark, and be followed by anything.

    Raises:
        RequestError: If it is no JSON object.
    """
    if not body:
        raise RequestError("JSON Parse error: The document is empty")
    document = _parse_strictly(body) or _parse_leniently(body)
    if not isinstance(document, dict):
        raise RequestError(f"JSON Value: {debug_text(document)} Is not object")
    return document


def _parse_strictly(body: bytes) -> Any:
    """Returns nothing where the body is no JSON, but for numbers that Python's parser knows."""
    # Missing numbers are NaN, at which orjson would stop half-way.
    if b"NaN" not in body:
        with contextlib.suppress(orjson.JSONDecodeError):
            return orjson.loads(body)
    if b"\\u" not in body:
        with contextlib.suppress(ValueError, RecursionError):
            return _DECODER.decode(body.decode())
    return None


def _parse_leniently(body: bytes) -> Any:
    try:
        text = body.decode("utf-8-sig").lstrip(" \t\n\r")
        text = _STRING_OR_INF.sub(lambda m: "Infinity" if m[0] == "Inf" else m[0], text)
        document = _DECODER.raw_decode(text)[0]
        # A surrogate without its partner can't be encoded: it is no text.
        json.dumps(document, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _no_json(error.msg, error.pos) from error
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise _no_json("Invalid encoding in string.", error.start) from error
    except RecursionError as error:
        raise _no_json("Nested too deeply.", 0) from error
    return document


def _integer(text: str) -> int | float:
    # Python refuses integers of thousands of digits; a parser of numbers makes them floats.
    return int(text) if len(text) <= 20 else float(text)


_DECODER = json.JSONDecoder(parse_int=_integer)


def _no_json(message: str, offset: int) -> RequestError:
    return RequestError(f"JSON Parse error: {message} at offset: {offset}")


def type_name(value: Any) -> str:
    """Returns the JSON type of a value: `Null`, `True`, `Number`, …"""
    return str(value) if isinstance(value, bool) else _TYPES[type(value)]


def debug_text(value: Any) -> str:
    """Returns the beginning of a value for an error message."""
    parts, length = [], 0
    # In parts, so that a large value is not written whole.
    for part in json.JSONEncoder(ensure_ascii=False).iterencode(value):
        parts.append(part)
        length += len(part)
        if length >= _DEBUG_LENGTH:
            break
    return "".join(parts)[:_DEBUG_LENGTH]
