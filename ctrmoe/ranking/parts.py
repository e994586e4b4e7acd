"""What the rows of a table are divided into to be ranked by part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
import polars as pl

from ctrmoe.data.sources import Origin


class Parts(ABC):
    """Divides rows by a column.

    Attributes:
        kind: What a part is called; its name is in the column of this name.
        column: The column that is read.
        table: A row for each part: its name, and what else is known of it.
    """

    kind: ClassVar[str]

    def __init__(self, column: str, table: pl.DataFrame) -> None:
        self.column = column
        self.table = table

    def __len__(self) -> int:
        return self.table.height

    @abstractmethod
    def assign(self, frame: pl.DataFrame, where: Origin) -> np.ndarray:
        """Returns the number of each row's part, -1 for a row of none.

        Args:
            frame: Raw rows.
            where: Names them in error messages.
        """

    @abstractmethod
    def compared(self, by_part: pl.DataFrame, level: float) -> dict[str, pl.DataFrame]:
        """Returns tables by name: the ranking by part, and what differs between the parts.

        Args:
            by_part: What `Breakdown.result` returns.
            level: Most false discoveries among the features that differ, as a share.
        """
