"""Text as the codes that parquet stores it in: each distinct text is looked up once.

Parquet files hold a column that repeats itself as codes of a dictionary. To decode the texts of
every row, only to look all of them up, is most of what batch scoring costs beside the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ctrmoe.data.lists import Values, padded
from ctrmoe.data.vocabulary import Vocabulary
from ctrmoe.schema import MISSING, Feature

MAX_BYTES_A_VALUE = 4
"""Of a column that is read as codes. A text that is none takes four bytes and its own: so small a
column has more values than distinct texts."""

_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_LIST = (pa.types.is_list, pa.types.is_large_list)
_ENCODINGS = {"PLAIN", "RLE", "BIT_PACKED", "PLAIN_DICTIONARY", "RLE_DICTIONARY"}


class Dictionary:
    """The texts that codes stand for.

    Args:
        texts: An array of text without nulls.

    Raises:
        pa.ArrowInvalid: When a text is not UTF-8.
    """

    def __init__(self, texts: pa.Array) -> None:
        texts.validate(full=True)
        self._texts = texts
        self._ids: dict[Vocabulary, np.ndarray] = {}

    def holds(self, texts: pa.Array) -> bool:
        """Returns whether these are the texts."""
        return bool(self._texts.equals(texts))

    def ids(self, vocabulary: Vocabulary) -> np.ndarray:
        """Returns the id of each code, and that of null at the end."""
        if vocabulary not in self._ids:
            ids = vocabulary.ids(pl.Series(self._texts, dtype=pl.String))
            self._ids[vocabulary] = np.append(ids, np.int32(MISSING))
        return self._ids[vocabulary]


@dataclass(frozen=True, slots=True)
class CodedText:
    """A column of texts, or of lists of texts, of a chunk of rows.

    Args:
        dictionary: What the codes stand for.
        codes: Of all values, one list after the other; null is one more than the last code.
        lengths: Values of each row, for lists; None where each row has one.
    """

    dictionary: Dictionary
    codes: np.ndarray
    lengths: np.ndarray | None = None

    @classmethod
    def of(cls, column: pa.Array, last: CodedText | None) -> CodedText:
        """Reads a column of dictionary-encoded text, or of lists of it.

        Args:
            column: The column.
            last: That of the chunk before, whose dictionary is mostly the same.
        """
        lengths = None
        if not pa.types.is_dictionary(column.type):
            counts = column.value_lengths().fill_null(0)
            lengths, column = counts.to_numpy().astype(np.int64), column.flatten()
        texts = column.dictionary
        known = last is not None and last.dictionary.holds(texts)
        dictionary = last.dictionary if last is not None and known else Dictionary(texts)
        codes = column.indices.fill_null(len(texts)).to_numpy()
        return cls(dictionary, codes, lengths)

    def ids(self, feature: Feature, vocabulary: Vocabulary) -> np.ndarray:
        """Returns the ids `[rows]` of a feature, `[rows, max_length]` of one with lists."""
        ids = self.dictionary.ids(vocabulary).take(self.codes)
        if self.lengths is None:
            return ids
        lengths, present = self.lengths, ids != MISSING
        if not present.all():
            rows = np.repeat(np.arange(len(lengths)), lengths)
            ids, lengths = ids[present], np.bincount(rows[present], minlength=len(lengths))
        kept = Values(pl.Series(ids), lengths).trimmed(feature)
        assert kept.lengths is not None
        return padded(kept.values.to_numpy(), kept.lengths, feature)


def plain_text(features: Iterable[Feature]) -> dict[str, bool]:
    """Returns the raw columns that are read as nothing but text, and whether they hold lists."""
    readers = defaultdict(list)
    for feature in features:
        for column in feature.inputs:
            readers[column.name].append(feature)
    return {
        name: found[0].is_list
        for name, found in readers.items()
        if all(map(_is_plain_text, found)) and len({feature.is_list for feature in found}) == 1
    }


def coded_columns(parquet: pq.ParquetFile, group: int, texts: Mapping[str, bool]) -> dict[str, int]:
    """Returns which columns of a row group are worth to be read as codes, with their leaf.

    Args:
        parquet: The file.
        group: Number of the row group.
        texts: What `plain_text` returns.
    """
    footer, schema = parquet.metadata.row_group(group), parquet.schema_arrow
    paths = [footer.column(leaf).path_in_schema for leaf in range(footer.num_columns)]
    found = {}
    for name in texts.keys() & set(schema.names):
        leaves = [
            leaf for leaf, path in enumerate(paths) if path == name or path.startswith(f"{name}.")
        ]
        if _holds_text(schema.field(name).type, texts[name]) and len(leaves) == 1:
            if _is_small(footer.column(leaves[0])):
                found[name] = leaves[0]
    return found


def _is_plain_text(feature: Feature) -> bool:
    derived = feature.cross or feature.where or feature.contains is not None
    split_or_weighted = feature.separator or feature.weights
    return feature.dtype == "string" and not (derived or split_or_weighted)


def _holds_text(kind: pa.DataType, is_list: bool) -> bool:
    if is_list:
        return any(is_kind(kind) for is_kind in _LIST) and _holds_text(kind.value_type, False)
    return any(is_kind(kind) for is_kind in _TEXT)


def _is_small(column: pq.ColumnChunkMetaData) -> bool:
    coded = column.has_dictionary_page and set(column.encodings) <= _ENCODINGS
    small: bool = column.total_uncompressed_size <= MAX_BYTES_A_VALUE * column.num_values
    return coded and small
