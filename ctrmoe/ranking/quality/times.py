"""The rows of a table over time: its main stretch, what lies far from it, and periods."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from ctrmoe.ranking.quality.counts import FIRST, KEY, ROWS
from ctrmoe.ranking.quality.number_counts import key_numbers
from ctrmoe.ranking.quality.table_profile import TableProfile

DAY, HOUR = 86_400, 3_600
MIN_PERIODS = 3
TAIL = 0.05
# Seconds, milli-, micro- and nanoseconds since 1970, by the size of today's numbers.
UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (1e8, 1.0))


@dataclass(frozen=True, slots=True)
class Times:
    """Times in ascending order.

    Args:
        table: The table.
        values: Seconds since 1970, or numbers of an unknown unit; at most 65,536 bins.
        in_seconds: Whether the unit is known.
        main: The stretch of `values` that is not far from the rest.
    """

    table: TableProfile
    values: np.ndarray
    in_seconds: bool
    main: slice

    @property
    def rows(self) -> np.ndarray:
        """Rows of each time."""
        return self.counts(ROWS)

    def counts(self, name: str) -> np.ndarray:
        """Returns what was counted by time under a name."""
        counted: np.ndarray = self.table.times.table()[name].to_numpy()
        return counted

    def share_at(self, share: float) -> float:
        """Returns the time before which a share of the rows lies."""
        below = np.cumsum(self.rows)
        return float(self.values[np.searchsorted(below, share * below[-1])])

    def first_row(self, index: int) -> str:
        """Names the first row of a time."""
        return self.table.row(int(self.table.times.table()[FIRST][index]))

    def show(self, value: float) -> str:
        """Returns a time as text."""
        if not self.in_seconds:
            return f"{value:g}"
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S")


def read_times(table: TableProfile) -> Times | None:
    """Returns the times of a table, None of one without any."""
    counted = table.times.table()
    if not counted.height:
        return None
    values, rows = key_numbers(counted[KEY].to_numpy()), counted[ROWS].to_numpy()
    below = np.cumsum(rows)
    middle = abs(float(values[np.searchsorted(below, below[-1] / 2)]))
    scale = next((scale for size, scale in UNITS if middle >= size), None)
    return Times(table, values / (scale or 1.0), scale is not None, _main(values, below))


def periods(times: Times) -> tuple[int, np.ndarray] | None:
    """Returns the seconds of a period and the number of the period of each time in `main`.

    Periods are days, or hours of a table of less than three days; None of a table of less than
    three hours, of a few days without hours, or whose unit of time is not known.
    """
    values = times.values[times.main]
    span = values[-1] - values[0]
    if not times.in_seconds or span < MIN_PERIODS * HOUR:
        return None
    seconds = DAY if span >= MIN_PERIODS * DAY else HOUR
    if seconds == HOUR and not np.ptp(values % DAY):
        return None  # dates: an hour without rows is none that was lost
    return seconds, np.floor(values / seconds).astype(np.int64)


def _main(values: np.ndarray, below: np.ndarray) -> slice:
    """Returns the times that are left without those beyond a gap as wide as the body.

    The body are the times without the first and the last 5 % of the rows; a gap counts outside it.
    """
    low = int(np.searchsorted(below, TAIL * below[-1]))
    high = int(np.searchsorted(below, (1 - TAIL) * below[-1]))
    body = values[high] - values[low]
    if body <= 0:
        return slice(0, len(values))
    wide = np.flatnonzero(np.diff(values) > body)
    before, after = wide[wide < low], wide[wide >= high]
    start = int(before[-1]) + 1 if len(before) else 0
    return slice(start, int(after[0]) + 1 if len(after) else len(values))
