"""Texts of the keys that the counts hold, looked up in the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ctrmoe.data.parquet import read_files
from ctrmoe.data.sources import SourceFile
from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.distributions import Names
from ctrmoe.ranking.feature_table import Place
from ctrmoe.ranking.keys import value_texts
from ctrmoe.schema import Schema

CHUNK_ROWS, MAX_ROWS = 1 << 16, 1 << 20
"""Rows that are read at once, and that are searched at most."""


def value_names(
    files: Sequence[SourceFile],
    schema: Schema,
    tables: Mapping[Place, ContingencyTable],
    wanted: Mapping[Place, np.ndarray],
) -> dict[Place, Names]:
    """Looks up the texts of keys in the first rows until all are found, in a million at most.

    Counts have no texts: to keep them for values that may turn out to be rare would cost more than
    a second look at the few columns. Where values share buckets, the text is that of the most
    frequent one in the rows that are read, with `, among others`.

    Args:
        files: The data.
        schema: What its columns mean.
        tables: Counts of the features.
        wanted: Keys of categories.
    """
    found: dict[Place, dict[int, str]] = {place: {} for place in wanted}
    features = {f.name: f for f in schema.features if f.name in {name for name, _ in wanted}}
    rows, columns = 0, {column.name: None for f in features.values() for column in f.inputs}
    for frame, where, _ in read_files(list(files), list(columns), schema, CHUNK_ROWS):
        texts = {name: value_texts(frame, feature, where) for name, feature in features.items()}
        for place, keys in wanted.items():
            _look_up(found[place], keys, tables[place], *texts[place[0]])
        rows += len(frame)
        done = all(len(found[place]) == len(keys) for place, keys in wanted.items())
        if done or rows >= MAX_ROWS:
            break
    return dict(found)


def _look_up(
    found: dict[int, str],
    wanted: np.ndarray,
    table: ContingencyTable,
    keys: np.ndarray,
    texts: Sequence[str],
) -> None:
    keys = table.coarse(keys)
    more = "" if table.is_exact else ", among others"
    for place in np.flatnonzero(np.isin(keys, wanted)).tolist():
        found.setdefault(int(keys[place]), texts[place] + more)
