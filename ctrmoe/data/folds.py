"""Stratified folds that equal scikit-learn's, by which published splits were made."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from ctrmoe.data.parquet import AtomicParquetWriter


def stratified_folds(labels: np.ndarray, num_folds: int, seed: int) -> np.ndarray:
    """Returns the number of the fold that every row is tested in.

    The same as `StratifiedKFold(num_folds, shuffle=True, random_state=seed)` of scikit-learn, by
    which AutoInt's authors and BARS split Criteo and Avazu, without its lists of row numbers.

    Args:
        labels: Whole numbers, one a row.
        num_folds: Number of folds.
        seed: Of the shuffle.

    Raises:
        ValueError: If a label has fewer rows than there are folds.
    """
    classes, first, counts = np.unique(labels, return_index=True, return_counts=True)
    if counts.min() < num_folds:
        raise ValueError(
            f"Every label must have at least `num_folds` rows. Received: num_folds={num_folds}, "
            f"rows={dict(zip(classes.tolist(), counts.tolist(), strict=True))}."
        )
    random = np.random.RandomState(seed)  # the generator behind scikit-learn's integer seeds
    folds = np.empty(len(labels), np.int8)
    start = 0
    # scikit-learn numbers the classes by their first row, sorts the rows by class and deals them
    # out to the folds in turn; then it shuffles which of a class's rows go where.
    for chosen in np.argsort(first):
        dealt = np.arange(start, start + counts[chosen]) % num_folds
        order = np.sort(dealt).astype(np.int8)
        random.shuffle(order)
        folds[labels == classes[chosen]] = order
        start += counts[chosen]
    return folds


def write_parts(
    chunks: Iterable[pl.DataFrame],
    folds: np.ndarray,
    parts: Mapping[str, Sequence[int]],
    out: str | Path,
) -> None:
    """Writes a table's parts, such as `train.parquet`, each with the rows of some folds in order.

    Args:
        chunks: The table, part by part.
        folds: The fold of every row.
        parts: The folds of every part.
        out: The folder to write to.
    """
    start = 0
    with contextlib.ExitStack() as stack:
        writers = {
            part: stack.enter_context(AtomicParquetWriter(Path(out) / f"{part}.parquet"))
            for part in parts
        }
        for chunk in chunks:
            here = folds[start : start + chunk.height]
            for part, numbers in parts.items():
                writers[part].write(chunk.filter(np.isin(here, numbers)))
            start += chunk.height
