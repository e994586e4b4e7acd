"""Scores mini-batches with OutRank's own estimator; runs in OutRank's environment.

The estimator takes the labels first and the feature second. OutRank's command passes them the other
way round, and so shifts the feature by the counts of the labels.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
from outrank.algorithms.feature_ranking.ranking_mi_numba import mutual_info_estimator_numba


def main(path: str, label: str, batch_rows: int) -> None:
    """Prints the median over the mini-batches of each column's score as JSON."""
    table = pd.read_parquet(path)
    scores: dict[str, list[float]] = {name: [] for name in table.columns if name != label}
    for start in range(0, len(table), batch_rows):
        batch = table.iloc[start : start + batch_rows]
        codes = {name: _codes(batch[name]) for name in batch.columns}
        for name, found in scores.items():
            found.append(
                float(mutual_info_estimator_numba(codes[label], codes[name], np.float32(1.0), True))
            )
    print(json.dumps({name: float(np.median(found)) for name, found in scores.items()}))


def _codes(column: pd.Series) -> np.ndarray:
    return column.astype("category").cat.codes.to_numpy().astype(np.int32)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
