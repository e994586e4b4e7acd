"""The types of the raw columns of a schema, as the files of the training part have them."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import polars as pl

from ctrmoe.data.columns import infer_dtype
from ctrmoe.data.derived import raw_type
from ctrmoe.data.parquet import column_types
from ctrmoe.data.sources import SourceFile
from ctrmoe.feature import CategoryType
from ctrmoe.schema import Feature, Schema, SchemaError

DType = Literal["string", "integer"]


def resolve_dtypes(schema: Schema, sources: Sequence[SourceFile]) -> tuple[Schema, DType]:
    """Fills in the `dtype` of every feature from the columns of the files.

    Text in one of the files, or in one of the features that share a vocabulary, makes it
    `string`; a `dtype` that the schema names stands. The columns of crosses and conditions are
    resolved like features.

    Returns:
        The schema, and the type of the domain column.

    Raises:
        SchemaError: When features that share a vocabulary or a column need different types.
    """
    types = {str(source): column_types(source, schema) for source in sources}
    named: dict[str, set[str]] = defaultdict(set)
    found: dict[str, set[str]] = defaultdict(set)
    for feature in schema.features:
        if feature.kind != "numeric":
            named[feature.table] |= {feature.dtype} - {""}
            found[feature.table] |= _found_dtypes(types, feature)
    for table, dtypes in named.items():
        if len(dtypes) > 1:
            raise SchemaError(
                f"Features that share the vocabulary of `{table}` must have one `dtype`. "
                f"Received: {', '.join(sorted(dtypes))}."
            )

    def resolve(feature: Feature) -> Feature:
        if feature.kind == "numeric":
            return dataclasses.replace(feature, dtype="float")
        dtype = _one(named[feature.table] or found[feature.table])
        return dataclasses.replace(feature, dtype=dtype)

    for file, of in types.items():
        if schema.domain and isinstance(of.get(schema.domain), pl.List | pl.Array):
            raise SchemaError(
                f"Domain `{schema.domain}` must hold one value a row. Received: a column of lists "
                f"in {file}. Name another column."
            )
    domain = Feature(name=schema.domain or "domain", kind="categorical")
    domain_dtype = _one(_found_dtypes(types, domain))
    resolved = [resolve(feature) for feature in schema.features]
    known = {schema.domain: domain_dtype} | _column_dtypes(resolved)

    def of_column(name: str) -> DType:
        column = Feature(name=name, kind="categorical")
        return known.get(name) or _one(_found_dtypes(types, column))

    derived = tuple(_with_inputs(feature, of_column) for feature in resolved)
    return schema.replace(features=derived), domain_dtype


def _column_dtypes(features: Iterable[Feature]) -> dict[str, DType]:
    """The type of each column that is read as categories, where a feature says it."""
    found: dict[str, DType] = {}
    for feature in features:
        if feature.kind == "numeric" or feature.contains is not None:
            continue
        for column in feature.inputs[: len(feature.cross) or 1]:
            if column.kind == "numeric" or not column.dtype:
                continue
            dtype = _one([column.dtype])
            if found.setdefault(column.name, dtype) != dtype:
                raise SchemaError(
                    f"Features that read `{column.name}` must have one `dtype`. Received: {dtype} "
                    f"of `{feature.name}`, {found[column.name]} before. Name it in each of them."
                )
    return found


def _with_inputs(feature: Feature, dtype: Callable[[str], DType]) -> Feature:
    """Fills in the types of the columns of a cross, a condition and a list."""
    where, contains = feature.where, feature.contains
    if where:
        equals = _typed(feature, "where.equals", where.column, where.equals, dtype)
        where = dataclasses.replace(where, equals=equals)
    if contains is not None:
        contains = _typed(feature, "contains", feature.column, contains, dtype)
    columns = feature.inputs[: len(feature.cross)]
    dtypes: tuple[CategoryType, ...] = tuple(
        "" if column.kind == "numeric" else dtype(column.name) for column in columns
    )
    return dataclasses.replace(feature, where=where, contains=contains, cross_dtypes=dtypes)


def _typed(
    feature: Feature, key: str, column: str, value: str | int, dtype: Callable[[str], DType]
) -> str | int:
    """A value of a column as the column has it."""
    if dtype(column) == "string":
        return str(value)
    try:
        return int(value)
    except ValueError:
        raise SchemaError(
            f"Feature `{feature.name}`: `{key}` must be a whole number, as those in `{column}`. "
            f"Received: {value!r}."
        ) from None


def _found_dtypes(types: Mapping[str, dict[str, pl.DataType]], feature: Feature) -> set[str]:
    columns = {
        file: raw_type(of, feature)
        for file, of in types.items()
        if all(column.name in of for column in feature.inputs)
    }
    if feature.separator and not any(isinstance(dtype, pl.List) for dtype in columns.values()):
        return {"string"}
    found: set[str] = {infer_dtype(feature.column, dtype, file) for file, dtype in columns.items()}
    return found - {""}


def _one(dtypes: Iterable[str]) -> DType:
    return "integer" if set(dtypes) == {"integer"} else "string"
