"""What a signature takes and returns, as a server's metadata tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ctrmoe.config import ConfigError
from ctrmoe.serving.client.serving_error import ServingError

Kind = Literal["number", "integer", "text"]
KINDS: dict[str, Kind] = {"DT_FLOAT": "number", "DT_INT64": "integer", "DT_STRING": "text"}


@dataclass(frozen=True, slots=True)
class Input:
    """An input: a raw column.

    Args:
        name: Of the column.
        kind: Of its values.
        is_list: Whether a row holds several.
        is_shared: Whether it has one row, which all candidates share.
    """

    name: str
    kind: Kind
    is_list: bool
    is_shared: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature of a model.

    Args:
        name: Of the signature.
        inputs: In the order of their names.
        outputs: Names in their order: the tasks.
    """

    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]


def read_signature(metadata: Mapping[str, Any], name: str) -> Signature:
    """Reads a signature of a REST metadata answer.

    Args:
        metadata: Or a `GetModelMetadataResponse` as a dict.
        name: Of the signature.

    Raises:
        ConfigError: If the model has none of that name, or one that takes no raw columns.
        ServingError: If it is no metadata: something else than a server of models answered.
    """
    try:
        signatures = metadata["metadata"]["signature_def"]["signature_def"]
    except (KeyError, TypeError) as error:
        raise ServingError(
            "UNKNOWN", f"The metadata must hold signatures. Received: {str(metadata)[:200]}"
        ) from error
    if name not in signatures:
        known = sorted(signatures)
        raise ConfigError(f"`signature` must be one of the model's. Received: {name!r} of {known}.")
    definition = signatures[name]
    inputs = tuple(_input(key, info) for key, info in sorted(definition["inputs"].items()))
    return Signature(name, inputs, tuple(sorted(definition["outputs"])))


def _input(name: str, info: Mapping[str, Any]) -> Input:
    sizes = [int(dim.get("size", 0)) for dim in info.get("tensor_shape", {}).get("dim", ())]
    if len(sizes) != 2 or info["dtype"] not in KINDS:
        raise ConfigError(
            "`signature` must be one that takes raw columns, such as serving_default. Received: "
            f"{name!r} of shape {sizes} and type {info['dtype']}."
        )
    return Input(name, KINDS[info["dtype"]], sizes[1] != 1, sizes[0] == 1)
