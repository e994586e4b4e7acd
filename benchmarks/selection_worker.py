"""Orders the features of a table by the library that is named; runs in that library's environment.

    python selection_worker.py METHOD TABLE.parquet LABEL

Every column but the label is a whole number that stands for a category. scikit-learn is told so;
the others take the columns as numbers, their default.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import polars as pl

SEED = 0
MRMR_ROWS = 100_000
"""It correlates every feature with every chosen one: a minute for so many rows."""


def mutual_information(columns: dict[str, np.ndarray], labels: np.ndarray) -> list[str]:
    """scikit-learn's mutual information of discrete features."""
    from sklearn.feature_selection import mutual_info_classif

    values = np.column_stack(list(columns.values()))
    scores = mutual_info_classif(values, labels, discrete_features=True)
    return _by_score(dict(zip(columns, scores, strict=True)))


def gain(columns: dict[str, np.ndarray], labels: np.ndarray) -> list[str]:
    """Total gain of 100 trees of LightGBM, the columns as numbers."""
    import lightgbm

    values = np.column_stack(list(columns.values())).astype(np.float32)
    options = {"objective": "binary", "num_leaves": 63, "verbose": -1, "seed": SEED}
    booster = lightgbm.train(options, lightgbm.Dataset(values, labels), num_boost_round=100)
    return _by_score(dict(zip(columns, booster.feature_importance("gain"), strict=True)))


def mrmr(columns: dict[str, np.ndarray], labels: np.ndarray) -> list[str]:
    """mrmr-selection: the first twenty by `MRMR_ROWS` rows; then the others by their F."""
    import pandas as pd
    from mrmr import mrmr_classif

    table = pd.DataFrame(columns)[:MRMR_ROWS].astype("float64")
    chosen, relevance, _ = mrmr_classif(
        table,
        pd.Series(labels[:MRMR_ROWS]),
        K=20,
        n_jobs=2,
        show_progress=False,
        return_scores=True,
    )
    others = _by_score({name: relevance.get(name, 0.0) for name in columns})
    return [*chosen, *(name for name in others if name not in chosen)]


METHODS: dict[str, tuple[Callable[..., list[str]], str]] = {
    "mutual_info_classif": (mutual_information, "scikit-learn"),
    "lightgbm_gain": (gain, "lightgbm"),
    "mrmr": (mrmr, "mrmr-selection"),
}


def _by_score(scores: dict[str, float]) -> list[str]:
    return sorted(scores, key=lambda name: -scores[name])


def main(name: str, path: str, label: str) -> None:
    """Prints the order, the seconds from the file on and the version as JSON."""
    start = time.perf_counter()
    table = pl.read_parquet(path)
    labels = table[label].to_numpy()
    columns = {column.name: column.to_numpy() for column in table.drop(label)}
    method, package = METHODS[name]
    order = method(columns, labels)
    figures = {"order": order, "wall s": time.perf_counter() - start}
    print(json.dumps(figures | {"version": f"{package} {version(package)}"}))


if __name__ == "__main__":
    main(*sys.argv[1:])
