"""Requests and their answers, to be sent to a server before it is trusted with a version."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf.json_format import MessageToDict

from ctrmoe.config import ConfigError
from ctrmoe.export.manifest import EXTRA

if TYPE_CHECKING:
    from ctrmoe.export.session import ServedSession

GOLDEN = Path(EXTRA) / "golden.jsonl"
Arrays = dict[str, np.ndarray]
_DTYPES = {"DT_FLOAT": np.float32, "DT_INT32": np.int32, "DT_INT64": np.int64}


@dataclass(frozen=True, slots=True)
class GoldenRequest:
    """A request and its answer, in columns as REST has them.

    Args:
        signature: It asks.
        inputs: By name.
        outputs: By name, or a single output without its name.
    """

    signature: str
    inputs: Mapping[str, Any]
    outputs: Any

    def arrays(self, definition: Mapping[str, Any]) -> Arrays:
        """Returns the inputs as arrays, by the signature's part of REST's metadata."""
        kinds = {name: info["dtype"] for name, info in definition["inputs"].items()}
        return {name: _array(self.inputs[name], kind) for name, kind in kinds.items()}

    def difference(self, answer: Arrays) -> float:
        """Returns by how much an answer differs at most."""
        # A server names outputs only where there are several.
        several = isinstance(self.outputs, Mapping)
        expected = self.outputs if several else dict.fromkeys(answer, self.outputs)
        differences = [
            np.abs(answer[name] - np.array(values, np.float32)).max() if name in answer else np.inf
            for name, values in expected.items()
        ]
        return float(np.max(differences))  # Python's `max` would pass over what is no number


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
        answered = outputs if len(outputs) > 1 else next(iter(outputs.values()))
        line = {
            "signature": signature,
            "request": rest_body(signature, inputs),
            "response": {"outputs": answered},
        }
        lines.append(json.dumps(line, ensure_ascii=False) + "\n")
    (folder / GOLDEN).write_text("".join(lines), encoding="utf-8")


def read_golden(folder: Path) -> list[GoldenRequest]:
    """Reads the golden requests of a version folder.

    Raises:
        ConfigError: If it has none.
    """
    path = folder / GOLDEN
    if not path.is_file():
        raise ConfigError(
            f"{folder} must hold golden requests to be tried. Received: no {GOLDEN}. Export the "
            "version again."
        )
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [
        GoldenRequest(line["signature"], line["request"]["inputs"], line["response"]["outputs"])
        for line in lines
    ]


def rest_body(signature: str, inputs: Arrays) -> dict[str, Any]:
    """Returns the body of a request for `:predict` in columns."""
    columns = {name: _to_rest(array, name) for name, array in inputs.items()}
    return {"signature_name": signature, "inputs": columns}


def worst_difference(folder: Path, answer: ServedSession) -> float:
    """Returns by how much a loaded model's answers differ at most from those in its folder."""
    differences = [0.0]
    for golden in read_golden(folder):
        definition = MessageToDict(answer.signatures[golden.signature])
        arrays = golden.arrays(definition)
        differences.append(golden.difference(answer(golden.signature, arrays)))
    return float(np.max(differences))


def _to_rest(array: np.ndarray, name: str) -> Any:
    if name == "examples":
        return [{"b64": base64.b64encode(record).decode()} for record in array]
    if array.dtype == object:
        return [[text.decode() for text in row] for row in array]
    return array.tolist()


def _array(column: Any, kind: str) -> np.ndarray:
    if kind == "DT_STRING":
        return np.array(_encoded(column), object)
    return np.array(column, _DTYPES[kind])


def _encoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_encoded(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()
