"""What became of the trials of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from ctrmoe.data.atomic import atomic_file
from ctrmoe.tuning.ranges import label

COLUMNS: dict[str, type[pl.DataType]] = {
    "number": pl.Int64,
    "state": pl.String,
    "value": pl.Float64,
    "epochs": pl.Int64,
    "seconds": pl.Float64,
    "reason": pl.String,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """One trial.

    Args:
        number: Its place in the search, from 0.
        state: `complete`, `pruned` before its last epoch, or `failed`.
        value: The monitored validation figure of its best epoch; None of a failed trial.
        epochs: Epochs trained.
        seconds: Time of its training.
        reason: Why it was pruned or failed, else empty.
        parameters: The values of the varied keys.
    """

    number: int
    state: Literal["complete", "pruned", "failed"]
    value: float | None
    epochs: int
    seconds: float
    reason: str
    parameters: Mapping[str, Any]


def trials_table(results: Sequence[TrialResult], keys: Sequence[str]) -> pl.DataFrame:
    """Returns a row for each trial: number, state, value, epochs, seconds, reason, every key.

    Args:
        results: The trials in their order.
        keys: The varied keys; lists and tables are given as JSON text.
    """
    rows = [{name: getattr(result, name) for name in COLUMNS} for result in results]
    table = pl.DataFrame(rows, schema=COLUMNS)
    columns = [
        pl.Series(key, _column([label(result.parameters[key]) for result in results]), strict=False)
        for key in keys
    ]
    return table.with_columns(columns)


def _column(values: list[Any]) -> list[Any]:
    """Values of one type: of several ones their text."""
    types = {type(value) for value in values}
    return values if len(types) < 2 or types == {int, float} else [str(value) for value in values]


def write_tables(table: pl.DataFrame, folder: Path) -> None:
    """Writes `trials.parquet` and `trials.csv`."""
    with atomic_file(folder / "trials.parquet") as partial:
        table.write_parquet(partial)
    with atomic_file(folder / "trials.csv") as partial:
        table.write_csv(partial)
