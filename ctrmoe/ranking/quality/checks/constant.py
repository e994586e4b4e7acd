"""Columns that hold one value in nearly all rows."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "constant"


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the share of the most frequent value of the data with `most_frequent`."""
    for column in tables.data.columns.values():
        limit = tables.limit("most_frequent", column.name)
        value, share = column.most_frequent
        # What is missing throughout is a finding of the check `missing`.
        if column.present and share > limit:
            named = f"{value!r}" if value else "no value" if value is None else "one value"
            yield Finding(
                check=NAME,
                severity="warning",
                column=column.name,
                value=share,
                limit=limit,
                message=f"One value of `{column.name}` must take at most {limit:.2%} of the rows. "
                f"Received: {named} in {share:.2%} of {tables.data.name}. Leave the feature out, "
                "or raise `most_frequent`.",
            )
