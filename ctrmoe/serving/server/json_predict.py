"""Predict requests in JSON: rows (`instances`) or columns (`inputs`)."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.json_body import debug_text
from ctrmoe.serving.server.json_tensors import is_base64, tensor

Form = Literal["row", "columnar"]
Types = Mapping[str, tf.DType]


def signature_name(document: dict[str, Any]) -> str:
    """Returns the signature that a request names, empty where it leaves that out.

    Raises:
        RequestError: If it is no text.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise RequestError(
            f"JSON Value: {debug_text(document)} not formatted correctly. 'signature_name' key "
            "must be a string value."
        )
    return name


def read_inputs(document: dict[str, Any], types: Types) -> tuple[dict[str, np.ndarray], Form]:
    """Returns the arrays of a request and the form of its answer.

    Args:
        document: The parsed body.
        types: Of the signature's inputs.

    Raises:
        RequestError: If it is not formed as the signature asks for.
    """
    if "instances" in document:
        if "inputs" in document:
            raise _form(
                document,
                "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to "
                "exist ",
            )
        rows = document["instances"]
        if not isinstance(rows, list):
            raise _form(document, "Expecting 'instances' to be an list/array")
        if not rows:
            raise _form(document, "No values in 'instances' array")
        return _read_rows(rows, types), "row"
    if "inputs" in document:
        return _read_columns(document["inputs"], types), "columnar"
    raise RequestError("Missing 'inputs' or 'instances' key")


def _form(document: dict[str, Any], message: str) -> RequestError:
    return RequestError(f"JSON Value: {debug_text(document)} {message}")


def _read_columns(value: Any, types: Types) -> dict[str, np.ndarray]:
    if not isinstance(value, dict) or is_base64(value):
        if len(types) > 1:
            raise RequestError(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        name, dtype = next(iter(types.items()))
        return {name: tensor(value, dtype)}
    for name in types:
        if name not in value:
            raise RequestError(f"Missing named input: {name} in 'inputs' object.")
    return {name: tensor(value[name], dtype) for name, dtype in types.items()}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _read_rows(rows: list[Any], types: Types) -> dict[str, np.ndarray]:
    if not isinstance(rows[0], dict) and len(types) > 1:
        raise RequestError(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    try:
        return _columns_of_rows(rows, types)
    except (RequestError, KeyError):
        _tell_first_error(rows, types)
        raise


def _columns_of_rows(rows: list[Any], types: Types) -> dict[str, np.ndarray]:
    if not _is_object(rows[0]):
        name, dtype = next(iter(types.items()))
        if any(map(_is_object, rows)):
            raise KeyError
        return {name: tensor(rows, dtype)}
    if set(map(type, rows)) != {dict} or set(map(len, rows)) != {len(types)}:
        raise KeyError
    return {name: tensor(list(map(itemgetter(name), rows)), types[name]) for name in types}


def _tell_first_error(rows: list[Any], types: Types) -> None:
    """Reads row by row, which is slow, to find what TensorFlow Serving would complain of first."""
    of_objects = _is_object(rows[0])
    shapes: dict[str, tuple[int, ...]] = {}
    for index, row in enumerate(rows):
        if _is_object(row) != of_objects:
            expected, got = ("object", "list") if of_objects else ("value/list", "object")
            raise RequestError(f"Expecting {expected} but got {got} at item {index} of input list")
        if not of_objects:
            _check_item(row, next(iter(types)), types, shapes, f"{index}")
            continue
        for key, value in row.items():
            _check_item(value, key, types, shapes, f"{index} key: {key}")
        if set(row) != set(types):
            raise RequestError(
                f"Failed to process element: {index} of 'instances' list. JSON object: "
                f"{debug_text(row)} keys must be equal to: {','.join(sorted(types))}"
            )


def _check_item(
    value: Any, name: str, types: Types, shapes: dict[str, tuple[int, ...]], where: str
) -> None:
    try:
        if name not in types:
            raise RequestError(f"JSON object: does not have named input: {name}")
        shape = tensor(value, types[name]).shape
        first = shapes.setdefault(name, shape)
        size, first_size = np.prod(shape, dtype=int), np.prod(first, dtype=int)
        if size != first_size:
            raise RequestError(f"Expecting tensor size: {first_size} but got: {size}")
        if shape != first:
            raise RequestError(f"Expecting shape {_text(first)} but got: {_text(shape)}")
    except RequestError as error:
        raise RequestError(
            f"Failed to process element: {where} of 'instances' list. Error: "
            f"{error.code.name}: {error}"
        ) from error


def _text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"
