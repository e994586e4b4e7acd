"""The rows of a table by domain."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import ClassVar

import numpy as np
import polars as pl

from ctrmoe.data.columns import canonical
from ctrmoe.data.parquet import CHUNK_ROWS, read_files
from ctrmoe.data.sources import Origin, SourceFile
from ctrmoe.ranking.heterogeneity import heterogeneity
from ctrmoe.ranking.parts import Parts
from ctrmoe.schema import Schema, SchemaError

logger = logging.getLogger(__name__)
MIN_ROWS = 1_000
MAX_DOMAINS = 1 << 16
SHOWN = 10


class Domains(Parts):
    """Divides rows by their domain.

    Args:
        column: The column of the domain.
        names: The domains as text; a row of another one, or of none, belongs to no part.
    """

    kind: ClassVar[str] = "domain"

    def __init__(self, column: str, names: Iterable[str]) -> None:
        super().__init__(column, pl.DataFrame({"domain": pl.Series(names, dtype=pl.String)}))

    def assign(self, frame: pl.DataFrame, where: Origin) -> np.ndarray:
        """Returns the number of each row's domain, -1 for another one."""
        texts = _texts(frame[self.column], where)
        numbers = range(len(self))
        codes = texts.replace_strict(
            self.table["domain"], numbers, default=-1, return_dtype=pl.Int32
        )
        return codes.fill_null(-1).to_numpy()

    def compared(self, by_part: pl.DataFrame, level: float) -> dict[str, pl.DataFrame]:
        """Returns `by_domain` and `heterogeneity`."""
        return {"by_domain": by_part, "heterogeneity": heterogeneity(by_part, self.kind, level)}


def find_domains(
    files: list[SourceFile], schema: Schema, min_rows: int = MIN_ROWS, chunk_rows: int = CHUNK_ROWS
) -> Domains:
    """Reads the column of the domain and returns the domains of enough rows, large ones first.

    Those that are left out are named in a warning.

    Raises:
        SchemaError: When the schema names no domain, or none has enough rows.
    """
    if not schema.domain:
        raise SchemaError(
            "`domain` must be named in the schema to rank by domain. Received: none. Add it: the "
            "column with the domain of a row."
        )
    counts = _counts(files, schema, chunk_rows)
    enough = counts.filter(pl.col("rows") >= min_rows)
    if not enough.height:
        most = counts["rows"][0] if counts.height else 0
        raise SchemaError(
            f"A domain must have {min_rows:,} rows to be ranked. Received: at most "
            f"{most:,} in column `{schema.domain}`. Rank without domains."
        )
    _name_others(counts.filter(pl.col("rows") < min_rows), min_rows)
    return Domains(schema.domain, enough["domain"])


def _counts(files: list[SourceFile], schema: Schema, chunk_rows: int) -> pl.DataFrame:
    counts = pl.DataFrame(schema={"domain": pl.String, "rows": pl.UInt32})
    missing = 0
    for frame, where, _ in read_files(files, [schema.domain], schema, chunk_rows):
        texts = _texts(frame[schema.domain], where).drop_nulls()
        missing += len(frame) - len(texts)
        parts = [counts, texts.alias("domain").value_counts(name="rows")]
        counts = pl.concat(parts).group_by("domain").agg(pl.col("rows").sum())
        if counts.height > MAX_DOMAINS:
            raise SchemaError(
                f"Domain `{schema.domain}` must have at most {MAX_DOMAINS:,} values. Received: "
                f"more in {where.name}. Name a column of fewer."
            )
    if missing:
        logger.warning("%s rows without a domain are in no ranking by domain.", f"{missing:,}")
    return counts.sort("rows", "domain", descending=[True, False])


def _texts(values: pl.Series, where: Origin) -> pl.Series:
    texts = canonical(values, "string", where)
    return texts.set((texts == "").fill_null(False), None)


def _name_others(others: pl.DataFrame, min_rows: int) -> None:
    if others.height:
        names = ", ".join(others["domain"].head(SHOWN))
        more = ", …" if others.height > SHOWN else ""
        logger.warning(
            "Left out of the ranking by domain, with fewer than %s rows each: %s%s.",
            f"{min_rows:,}",
            names,
            more,
        )
