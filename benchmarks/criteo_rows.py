"""Click rows of Criteo's shape: 13 bucketed numbers, 26 categoricals, one label of known logit.

The ids follow power laws; the label is Bernoulli of main effects and of products of rank 4 between
ten pairs of fields. Columns hold dense codes: 1 … n in the order of their first training row, and 0
for a value that the training part lacks, as scikit-learn's encoders would make them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BUCKETS = 32
# The distinct values of C1 … C26 in the Criteo Kaggle set; larger ones are cut to a maximum.
CRITEO = (
    1460, 583, 10131227, 2202608, 305, 24, 12517, 633, 3, 93145, 5683, 8351593, 3194, 27,
    14992, 5461306, 10, 5652, 2173, 4, 7046547, 18, 15, 286181, 105, 142572,
)  # fmt: skip
NAMES = [f"B{i}" for i in range(1, 14)] + [f"C{i}" for i in range(1, 27)]
PAIRS = 10
RANK = 4
ROW_GROUP_ROWS = 50_000
FILE_ROWS = 250_000


def write_rows(folder: Path, seed: int, rows: dict[str, int], largest: int) -> dict[str, int]:
    """Writes `folder/<part>/part-*.parquet` and returns the number of codes of each column.

    Args:
        folder: Where to write.
        seed: Of the truth and of the rows.
        rows: Rows of each part; the first is the training part, whose values get codes.
        largest: Most distinct values of a field.
    """
    rng = np.random.default_rng(seed)
    sizes = [BUCKETS] * 13 + [min(size, largest) for size in CRITEO]
    total = sum(rows.values())
    ids = [_zipf(rng, total, size, rng.uniform(1.03, 1.35)) for size in sizes]
    label = (rng.random(total) < _probability(rng, ids, sizes)).astype(np.int8)
    training = next(iter(rows.values()))
    columns = {name: _codes(column, training) for name, column in zip(NAMES, ids, strict=True)}
    table = pa.table({"row_id": np.arange(total), "label": label, **columns})
    start = 0
    for part, count in rows.items():
        _write_files(folder / part, table.slice(start, count))
        start += count
    return {name: int(codes.max()) + 1 for name, codes in columns.items()}


def _zipf(rng: np.random.Generator, rows: int, size: int, exponent: float) -> np.ndarray:
    """Ids below `size` with frequencies ∝ rank^-exponent, by the inverse of the distribution."""
    power = 1.0 - exponent
    ranks = ((float(size + 1) ** power - 1.0) * rng.random(rows) + 1.0) ** (1.0 / power)
    return np.clip(ranks.astype(np.int64) - 1, 0, size - 1)


def _probability(rng: np.random.Generator, ids: list[np.ndarray], sizes: list[int]) -> np.ndarray:
    logit = np.full(len(ids[0]), -1.0)
    for column, size in zip(ids, sizes, strict=True):
        logit += 0.15 * rng.standard_normal(size)[column]
    for first, second in rng.permutation(len(ids))[: 2 * PAIRS].reshape(PAIRS, 2):
        left, right = (rng.standard_normal((sizes[f], RANK))[ids[f]] for f in (first, second))
        logit += 0.2 * np.einsum("nk,nk->n", left, right)
    return 1.0 / (1.0 + np.exp(-logit))


def _codes(column: np.ndarray, training: int) -> np.ndarray:
    values, first = np.unique(column[:training], return_index=True)
    table = np.zeros(int(column.max()) + 1, np.int32)
    table[values] = np.argsort(np.argsort(first)) + 1
    return table[column]


def _write_files(folder: Path, table: pa.Table) -> None:
    folder.mkdir(parents=True)
    for number, start in enumerate(range(0, len(table), FILE_ROWS)):
        path = folder / f"part-{number:05d}.parquet"
        pq.write_table(table.slice(start, FILE_ROWS), path, row_group_size=ROW_GROUP_ROWS)
