"""Vocabularies: from the values of a feature to ids.

Ids: 0 padding, 1 missing, from 2 on `oov_buckets` unknown ones, then the values in the order of
(-count, value). A vocabulary file holds one value a line in that order, in UTF-8.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import farmhash
import numpy as np
import polars as pl

from ctrmoe.data.columns import INT64_MIN, MARK, filled
from ctrmoe.data.lists import Values
from ctrmoe.schema import MISSING, UNKNOWN

DIRECT_RANGE = 1 << 22
"""Integers that span less than this are looked up in a table instead of a hash map."""
UNSEEN_KEPT = 1 << 20
"""Unseen values that a hash map may grow by before it is made anew."""


class ValueCounter:
    """Counts values; counters of parts can be merged in any order."""

    def __init__(self) -> None:
        self._values = _TextCodes()
        self._counts = np.zeros(1024, np.int64)
        self._num_codes = 0

    def add(self, values: Values, rows: np.ndarray | None = None) -> Values:
        """Counts the values of the rows that a mask picks, of all rows where it is None.

        Returns:
            The values of all rows, text as uint32 codes that `code_ids` gives the ids of.
        """
        if values.values.dtype == pl.String:
            codes = Values(self._values.codes(values.values), values.lengths)
            self._add(codes.of_rows(rows).drop_nulls(), 1)
            present = codes.values.drop_nulls().to_numpy()
            self._num_codes = max(self._num_codes, int(present.max()) + 1 if len(present) else 0)
            return codes
        # Under a name of ours: the column may be called `count` itself.
        counts = values.of_rows(rows).drop_nulls().alias("value").value_counts(name="count")
        texts = counts["value"].cast(pl.String)
        self._add(self._values.codes(texts), counts["count"].to_numpy())
        return values

    def code_ids(self, vocabulary: Vocabulary) -> np.ndarray:
        """Returns the id of every code that `add` has returned, and that of null at the end."""
        texts = self._values.texts(np.arange(self._num_codes, dtype=np.uint32))
        return np.append(vocabulary.ids(texts), np.int32(MISSING))

    def merge(self, other: ValueCounter) -> None:
        """Adds the counts of another counter."""
        table = other.table()
        self._add(self._values.codes(table["value"]), table["count"].to_numpy())

    def table(self) -> pl.DataFrame:
        """Returns the columns `value` and `count`, in no particular order."""
        codes = np.flatnonzero(self._counts)
        values = self._values.texts(codes.astype(np.uint32))
        return pl.DataFrame({"value": values, "count": self._counts[codes]})

    def _add(self, codes: pl.Series, counts: np.ndarray | int) -> None:
        indices = codes.to_numpy()
        size = int(indices.max(initial=0)) + 1
        if size > len(self._counts):
            grown = np.zeros(max(size, 2 * len(self._counts)), np.int64)
            grown[: len(self._counts)] = self._counts
            self._counts = grown
        np.add.at(self._counts, indices, counts)


def ordered_values(counter: ValueCounter, dtype: str, min_count: int) -> tuple[pl.Series, int]:
    """Returns the values of a vocabulary in order, and how many a line break keeps out of it.

    Args:
        counter: The counts of the training part.
        dtype: `integer` orders equally frequent values as numbers, `string` as UTF-8 bytes.
        min_count: Rarer values are left out.
    """
    key = pl.col("value")
    if dtype == "integer":
        key = key.cast(pl.Int64, strict=False)
    listed = counter.table().filter(
        pl.col("count") >= min_count, key.is_not_null(), key != MARK[dtype]
    )
    # TensorFlow's reader ends a line at either.
    broken = pl.col("value").str.contains("[\r\n]")
    lines = listed.filter(~broken).sort([-pl.col("count").cast(pl.Int64), key])["value"]
    return lines, len(listed) - len(lines)


class Vocabulary:
    """Maps values to ids.

    Args:
        values: The values in the order of their ids, as text; none where values are hashed.
        dtype: `string` or `integer`.
        oov_buckets: Ids that unknown values are spread over.
        hash_buckets: Above 0, ids that all values are spread over instead.
    """

    def __init__(
        self, values: pl.Series, dtype: str, oov_buckets: int = 1, hash_buckets: int = 0
    ) -> None:
        self.values = values
        self._buckets = hash_buckets or oov_buckets
        self._first = UNKNOWN + self._buckets
        self._direct = _DirectIds.build(values, self._first) if dtype == "integer" else None

    @cached_property
    def _text(self) -> _TextIds:
        return _TextIds(self.values, self._first)

    @property
    def size(self) -> int:
        """Number of ids."""
        return self._first + len(self.values)

    @property
    def first_value(self) -> int:
        """The smallest id of a value; those from 2 up to it are of unknown values."""
        return self._first

    def ids(self, values: pl.Series) -> np.ndarray:
        """Returns the int32 ids of a column of text or int64."""
        result = self._text.ids(values) if values.dtype == pl.String else self._integers(values)
        if self._buckets > 1:
            unknown = result == UNKNOWN
            hashed = values.filter(pl.Series(unknown)).cast(pl.String)
            result[unknown] = UNKNOWN + hash_buckets(hashed, self._buckets)
        return result

    def _integers(self, values: pl.Series) -> np.ndarray:
        numbers = filled(values, INT64_MIN).to_numpy()
        if self._direct is not None:
            return self._direct.ids(numbers)
        distinct, inverse = np.unique(numbers, return_inverse=True)
        ids = self._text.ids(pl.Series(distinct).cast(pl.String))
        ids[distinct == INT64_MIN] = MISSING
        return ids[inverse]

    def save(self, path: Path) -> None:
        """Writes one value a line."""
        path.write_bytes("\n".join([*self.values.to_list(), ""]).encode())


def read_values(path: Path) -> pl.Series:
    """Reads the file that `Vocabulary.save` wrote."""
    return pl.Series("value", path.read_bytes().decode().split("\n")[:-1], pl.String)


def file_name(table: str) -> str:
    """Returns the name of a feature's vocabulary file."""
    return f"{quote(table, safe='')}.txt"


def hash_buckets(values: pl.Series, buckets: int) -> np.ndarray:
    """Returns FarmHash's Fingerprint64 modulo `buckets`, as `tf.strings.to_hash_bucket_fast`."""
    distinct = _TextCodes()
    codes = distinct.codes(values).to_numpy()
    texts = distinct.texts(np.arange(codes.max() + 1 if len(codes) else 0, dtype=np.uint32))
    hashes = map(farmhash.fingerprint64, texts.to_list())
    table = np.fromiter(hashes, np.uint64) % np.uint64(buckets)
    return table.astype(np.int32)[codes]


class _TextCodes:
    """Gives every distinct text a code, by the hash map that backs polars' categoricals."""

    def __init__(self) -> None:
        self.dtype = pl.Categorical(pl.Categories.random())
        # polars keeps the map as long as a series uses it.
        self._anchor = pl.Series([], dtype=self.dtype)

    def codes(self, values: pl.Series) -> pl.Series:
        """Returns uint32 codes, null for null."""
        return values.cast(self.dtype).to_physical()

    def texts(self, codes: np.ndarray) -> pl.Series:
        """Returns the texts of uint32 codes."""
        return pl.Series(codes).cat.to(self.dtype).cast(pl.String)


class _TextIds:
    """Ids of text: polars' codes, then a table from code to id."""

    def __init__(self, values: pl.Series, first: int) -> None:
        self._values = values
        self._first = first
        self._state = self._build()

    def _build(self) -> tuple[_TextCodes, int, np.ndarray]:
        codes = _TextCodes()
        missing = int(codes.codes(pl.Series([""]))[0])
        known = codes.codes(self._values).to_numpy()
        table = np.full(len(known) + 2, UNKNOWN, np.int32)
        table[known] = np.arange(self._first, self._first + len(known), dtype=np.int32)
        table[missing] = MISSING
        return codes, missing, table

    def ids(self, values: pl.Series) -> np.ndarray:
        text, missing, table = self._state
        codes = filled(text.codes(values), missing).to_numpy()
        # Codes of unseen values lie behind the table: "clip" sends them to its last entry.
        result = table.take(codes, mode="clip")
        if codes.max(initial=0) > 2 * len(table) + UNSEEN_KEPT:
            self._state = self._build()
        return result


class _DirectIds:
    """Ids of integers that lie close together: a table from value to id."""

    def __init__(self, numbers: np.ndarray, first: int) -> None:
        self._low = numbers.min()
        self._table = np.full(int(numbers.max() - self._low) + 2, UNKNOWN, np.int32)
        self._table[numbers - self._low] = np.arange(first, first + len(numbers), dtype=np.int32)

    @classmethod
    def build(cls, values: pl.Series, first: int) -> _DirectIds | None:
        """Returns None where the values are no integers or lie too far apart."""
        numbers = values.cast(pl.Int64, strict=False)
        if not len(numbers) or numbers.null_count():
            return None
        array = numbers.to_numpy()
        near = int(array.max()) - int(array.min()) < DIRECT_RANGE
        return cls(array, first) if near else None

    def ids(self, numbers: np.ndarray) -> np.ndarray:
        offsets = (numbers - self._low).view(np.uint64)  # wraps around where it overflows
        offsets[numbers < self._low] = len(self._table)
        result = self._table.take(
            np.minimum(offsets, np.uint64(len(self._table) - 1)).view(np.int64)
        )
        result[numbers == INT64_MIN] = MISSING
        return result
