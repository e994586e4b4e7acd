"""Tables in memory: those of polars, pandas and pyarrow."""

from __future__ import annotations

from collections import Counter
from typing import Any

import polars as pl
import pyarrow as pa

from ctrmoe.schema import SchemaError


def is_frame(item: Any) -> bool:
    """Returns whether `item` is a table in memory; pandas is not imported for it."""
    return isinstance(item, pl.DataFrame | pl.LazyFrame | pa.Table) or _is_pandas(item)


def as_polars(frame: Any) -> pl.DataFrame:
    """Returns a table in memory as a polars frame.

    Raises:
        SchemaError: If a name repeats, or a column holds what polars has no type for.
    """
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    names = frame.column_names if isinstance(frame, pa.Table) else list(map(str, frame.columns))
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise SchemaError(
            f"The names of a table's columns must not repeat. Received twice: {repeated}. Rename "
            "one of them."
        )
    if isinstance(frame, pa.Table):
        return pl.DataFrame(frame)
    try:
        return pl.from_pandas(frame)
    except Exception as error:  # pyarrow and polars raise whatever the objects inside raise
        raise SchemaError(_unreadable(frame) or f"{error}.") from error


def _is_pandas(item: Any) -> bool:
    return any(
        cls.__name__ == "DataFrame" and cls.__module__.split(".")[0] == "pandas"
        for cls in type(item).__mro__
    )


def _unreadable(frame: Any) -> str:
    """Returns what is wrong with the first column of a pandas frame that can't be read."""
    for name in frame.columns:
        try:
            pl.from_pandas(frame[name])
        except Exception:
            kinds = sorted({type(value).__name__ for value in frame[name]})
            return (
                f"Column `{name}` of the pandas frame must hold values of one type that parquet "
                f"has. Received: {', '.join(kinds)}. Cast it, as with "
                f'`frame[{name!r}].astype("string")`.'
            )
    return ""
