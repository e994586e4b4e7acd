"""Requests and their answers, to be sent to a server before it is trusted with a version."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from ctrmoe.export.manifest import EXTRA
from ctrmoe.export.session import Arrays, ServedSession

GOLDEN = Path(EXTRA) / "golden.jsonl"


def write_golden(folder: Path, requests: Mapping[str, Arrays], answer: ServedSession) -> None:
    """Writes a line for each request: `signature`, `request` and `response` as in REST.

    The bodies are TensorFlow Serving's in the columnar form of `:predict`. A missing number is
    NaN, which its JSON spells so.

    Args:
        folder: The SavedModel.
        requests: The inputs of each signature.
        answer: The same model, loaded.
    """
    lines = []
    for signature, inputs in requests.items():
        outputs = {name: array.tolist() for name, array in answer(signature, inputs).items()}
        # The server names outputs only where there are several.
        answered = outputs if len(outputs) > 1 else next(iter(outputs.values()))
        line = {
            "signature": signature,
            "request": rest_body(signature, inputs),
            "response": {"outputs": answered},
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    (folder / GOLDEN).write_text("".join(lines), encoding="utf-8")


def rest_body(signature: str, inputs: Arrays) -> dict[str, Any]:
    """Returns the body of a request for `:predict` in columns."""
    columns = {name: _to_rest(array, name) for name, array in inputs.items()}
    return {"signature_name": signature, "inputs": columns}


def worst_difference(folder: Path, answer: ServedSession) -> float:
    """Returns by how much a loaded model's answers differ at most from those in its folder."""
    worst = 0.0
    for line in (folder / GOLDEN).read_text(encoding="utf-8").splitlines():
        golden = json.loads(line)
        signature, columns = golden["signature"], golden["request"]["inputs"]
        inputs = answer.signatures[signature].inputs
        arrays = {name: _of_rest(columns[name], inputs[name].dtype) for name in inputs}
        given, expected = answer(signature, arrays), golden["response"]["outputs"]
        if not isinstance(expected, dict):
            expected = dict.fromkeys(given, expected)
        differences = [np.abs(array - expected[name]).max() for name, array in given.items()]
        worst = max(worst, *map(float, differences))
    return worst


def _to_rest(array: np.ndarray, name: str) -> Any:
    if name == "examples":
        return [{"b64": base64.b64encode(record).decode()} for record in array]
    if array.dtype == object:
        return [[text.decode() for text in row] for row in array]
    return array.tolist()


def _of_rest(column: Any, dtype: int) -> np.ndarray:
    kind = tf.dtypes.as_dtype(dtype)
    if kind != tf.string:
        return np.array(column, kind.as_numpy_dtype)
    if isinstance(column[0], dict):
        return np.array([base64.b64decode(record["b64"]) for record in column], object)
    return np.array([[text.encode() for text in row] for row in column], object)
