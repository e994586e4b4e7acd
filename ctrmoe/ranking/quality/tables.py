"""What the checks see: the profiles of one table or two, and the limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ctrmoe.ranking.quality.column_profile import ColumnProfile
from ctrmoe.ranking.quality.table_profile import TableProfile
from ctrmoe.schema import Schema


@dataclass(frozen=True, slots=True)
class Tables:
    """The table that is checked, and the one that it is compared with.

    Args:
        schema: What the columns mean, and the limits.
        data: Profile of the table.
        against: Profile of the other table, None without one.
    """

    schema: Schema
    data: TableProfile
    against: TableProfile | None = None

    def limit(self, name: str, column: str | None = None) -> float:
        """Returns a limit, the column's own one where it has one."""
        return self.schema.limits.of(name, column)

    def each(self) -> Iterator[TableProfile]:
        """Yields the one table or both."""
        yield self.data
        if self.against is not None:
            yield self.against

    def columns(self) -> Iterator[tuple[TableProfile, ColumnProfile]]:
        """Yields every feature and the domain of each table that has it."""
        for table in self.each():
            for column in table.columns.values():
                if column.rows:
                    yield table, column

    def pairs(self) -> Iterator[tuple[ColumnProfile, ColumnProfile]]:
        """Yields the columns that both tables have, as they are in the data and in the other."""
        if self.against is not None:
            for name, column in self.data.columns.items():
                other = self.against.columns[name]
                if column.rows and other.rows:
                    yield column, other
