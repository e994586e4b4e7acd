"""Statistics of every column of a table, in one pass and bounded memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import polars as pl
import polars.selectors as cs

from ctrmoe.data.columns import plain_text

SKETCH_SIZE = 8192
SAMPLE_ROWS = 100_000
WHOLE_NUMBER = r"^-?(0|[1-9]\d{0,17})$"
LEADING_ZERO = r"^[+-]?0\d"


class Distinct:
    """Counts distinct values by the smallest hashes that were seen (k minimum values).

    Exact below `size` values; above, (k - 1) / (the k-th smallest hash as a fraction), whose
    relative standard error is 1 / sqrt(k - 2), 1.1 % for 8192.

    Args:
        size: Number k of hashes kept.

    Reference: Bar-Yossef et al., "Counting distinct elements in a data stream", 2002.
    """

    def __init__(self, size: int = SKETCH_SIZE) -> None:
        self.size = size
        self._smallest = pl.Series(dtype=pl.UInt64)

    def update(self, values: pl.Series) -> None:
        """Adds the values of a chunk; missing ones do not count."""
        hashes = values.drop_nulls().hash()
        if len(self._smallest) == self.size:
            hashes = hashes.filter(hashes < self._smallest[-1])
        self._smallest = pl.concat([self._smallest, hashes]).unique().sort().head(self.size)

    def estimate(self) -> int:
        """Returns the number of distinct values seen."""
        if len(self._smallest) < self.size:
            return len(self._smallest)
        return round((self.size - 1) / (float(self._smallest[-1]) / 2.0**64))


@dataclass(kw_only=True, eq=False)
class Column:
    """Statistics of one column.

    Args:
        name: Its name.
        dtype: Its type.
        rows: Rows seen, missing ones included.
        nulls: Missing values; NaN counts as missing.
        minimum: Smallest number, of numbers and booleans.
        maximum: Largest number, of numbers and booleans.
        total: Sum of the numbers.
        whole: Whether all numbers are whole ones, whatever their type.
        sample: Evenly spaced rows; all of them in a small table.
        parse: Whether a text column that holds nothing but numbers is one of numbers, as in a CSV
            file; `007` is none.
    """

    name: str
    dtype: pl.DataType
    parse: bool = False
    rows: int = 0
    nulls: int = 0
    minimum: float = float("inf")
    maximum: float = float("-inf")
    total: float = 0.0
    whole: bool = True
    sample: pl.Series = field(default_factory=pl.Series)
    _distinct: Distinct = field(default_factory=Distinct)

    @property
    def distinct(self) -> int:
        """Distinct values; of a list column, distinct items."""
        return self._distinct.estimate()

    @property
    def present(self) -> int:
        """Rows that are not missing."""
        return self.rows - self.nulls

    @property
    def is_list(self) -> bool:
        """Whether a row holds several values."""
        return isinstance(self.dtype, pl.List | pl.Array)

    def update(self, values: pl.Series) -> None:
        """Adds a chunk of the column."""
        if values.dtype.is_float():
            values = values.fill_nan(None)
        self.rows += len(values)
        self.nulls += values.null_count()
        if self.is_list:
            values = values.explode(empty_as_null=True)
        if values.dtype.is_numeric() or values.dtype == pl.Boolean:
            self._update_range(values)
        if self.parse and values.dtype == pl.String:
            self._parse(values.drop_nulls())
        if not values.dtype.is_nested() and values.dtype not in (pl.Object, pl.Null):
            self._distinct.update(values)

    def _update_range(self, values: pl.Series) -> None:
        numbers = values.drop_nulls().cast(pl.Float64)
        if len(numbers):
            self.minimum = min(self.minimum, float(numbers.to_numpy().min()))
            self.maximum = max(self.maximum, float(numbers.to_numpy().max()))
            self.total += float(numbers.sum())
            self.whole = self.whole and bool(
                (numbers.is_finite() & (numbers == numbers.round())).all()
            )

    def _parse(self, texts: pl.Series) -> None:
        texts = plain_text(texts)
        numbers = texts.cast(pl.Float64, strict=False)
        if numbers.null_count() or texts.str.contains(LEADING_ZERO).any():
            self.parse = False
            return
        self._update_range(numbers)
        self.whole = self.whole and bool(texts.str.contains(WHOLE_NUMBER).all())

    def close(self, sample: pl.Series) -> None:
        """Takes the sample and settles the type."""
        if self.parse and self.dtype == pl.String and self.present:
            sample = plain_text(sample).cast(pl.Int64 if self.whole else pl.Float64)
        self.sample, self.dtype = sample, sample.dtype


class EvenSample:
    """Keeps evenly spaced rows of a stream of chunks: every row, then every 2nd, every 4th, ...

    Args:
        limit: The sample holds between `limit` and twice `limit` rows of a longer stream.
    """

    def __init__(self, limit: int = SAMPLE_ROWS) -> None:
        self.limit = limit
        self._stride = 1
        self._seen = 0
        self._kept: list[pl.DataFrame] = []

    def update(self, chunk: pl.DataFrame) -> None:
        """Takes this chunk's share of the rows."""
        self._kept.append(chunk.gather_every(self._stride, (-self._seen) % self._stride))
        self._seen += chunk.height
        while sum(part.height for part in self._kept) > 2 * self.limit:
            # All kept rows are multiples of the stride, so every 2nd is one of twice the stride.
            self._kept = [self.frame().gather_every(2)]
            self._stride *= 2

    def frame(self) -> pl.DataFrame:
        """Returns the sample."""
        return pl.concat(self._kept, how="vertical_relaxed")


def _without_empty_texts(chunk: pl.DataFrame) -> pl.DataFrame:
    """Empty text is missing, as it is in preparation."""
    texts = cs.by_dtype(pl.String, pl.Categorical)
    return chunk.with_columns(pl.when(texts != "").then(texts))


def profile(
    chunks: Iterable[pl.DataFrame],
    *,
    parse: Collection[str] = (),
    sample_rows: int = SAMPLE_ROWS,
) -> list[Column]:
    """Returns the statistics of every column of a table.

    Args:
        chunks: The table, part by part, each column of one type.
        parse: Columns whose texts count as numbers where all are, as in CSV files.
        sample_rows: See `EvenSample`; counts, ranges and cardinalities come from every row.
    """
    columns: list[Column] = []
    sample = EvenSample(sample_rows)
    for chunk in map(_without_empty_texts, chunks):
        columns = columns or [
            Column(name=name, dtype=dtype, parse=name in parse)
            for name, dtype in chunk.schema.items()
        ]
        for column in columns:
            column.update(chunk[column.name])
        sample.update(chunk)
    if columns:
        frame = sample.frame()
        for column in columns:
            column.close(frame[column.name])
    return columns
