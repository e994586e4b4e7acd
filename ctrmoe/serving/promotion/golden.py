"""The golden requests of an exported version, whose answers its export has noted."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ctrmoe.config import ConfigError
from ctrmoe.serving.client.raw_rows import Arrays

GOLDEN = Path("assets.extra") / "golden.jsonl"
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
        """Returns the inputs as arrays, by the signature's part of the metadata."""
        kinds = {name: info["dtype"] for name, info in definition["inputs"].items()}
        return {name: _array(self.inputs[name], kind) for name, kind in kinds.items()}

    def difference(self, answer: Arrays) -> float:
        """Returns by how much an answer differs at most."""
        if isinstance(self.outputs, Mapping):
            expected = dict(self.outputs)
        else:
            expected = dict.fromkeys(answer, self.outputs)
        return max(
            float(np.abs(answer[name] - np.array(values, np.float32)).max())
            if name in answer
            else float("inf")
            for name, values in expected.items()
        )


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


def _array(column: Any, kind: str) -> np.ndarray:
    if kind == "DT_STRING":
        return np.array(_decoded(column), object)
    return np.array(column, _DTYPES[kind])


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value
