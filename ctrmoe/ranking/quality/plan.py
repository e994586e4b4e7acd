"""In which form each column of the tables is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import polars as pl

from ctrmoe.ranking.quality.column import Column
from ctrmoe.ranking.quality.typed_file import TypedFile
from ctrmoe.schema import Feature, Schema


def plan_columns(schema: Schema, files: Iterable[TypedFile]) -> dict[str, Column]:
    """Returns how every column of the tables is read, those of the schema first."""
    known = list(files)
    names = [*schema.raw_inputs, schema.domain, schema.group, schema.timestamp]
    names += [task.label for task in schema.tasks]
    names += [name for file in known for name in file.types]
    features = {feature.name: feature for feature in schema.inputs}
    return {
        name: _plan(
            name, schema, features.get(name), [f.types[name] for f in known if name in f.types]
        )
        for name in dict.fromkeys(filter(None, names))
    }


def _plan(
    name: str, schema: Schema, feature: Feature | None, types: Iterable[pl.DataType]
) -> Column:
    typed = [dtype for dtype in types if dtype != pl.Null]
    whole = bool(typed) and all(_is_whole(dtype) for dtype in typed)
    dtype: Literal["string", "integer"] = "integer" if whole else "string"
    if feature is None:
        labels = [task.label for task in schema.tasks]
        if name == schema.timestamp or name in labels:
            return Column(name, "time" if name == schema.timestamp else "number")
        listed = bool(typed) and isinstance(typed[0], pl.List | pl.Array)
        return Column(name, "list" if listed else "value", dtype)
    if feature.kind == "numeric":
        return Column(name, "number")
    return Column(name, "list" if feature.is_list else "value", dtype, feature.separator)


def shared(files: Iterable[Mapping[str, pl.DataType]], columns: Mapping[str, Column]) -> list[str]:
    """Returns the columns that every file has in a form that fits the plan."""
    known = list(files)
    return [
        name
        for name, column in columns.items()
        if all(name in types and column.fits(types[name]) for types in known)
    ]


def _is_whole(dtype: pl.DataType) -> bool:
    inner = dtype.inner if isinstance(dtype, pl.List | pl.Array) else dtype
    # Hashes of 64 bits are beyond int64: as text none of them is lost.
    return (inner.is_integer() and inner != pl.UInt64) or inner == pl.Boolean
