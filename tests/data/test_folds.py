import numpy as np
import polars as pl
import pytest
from sklearn.model_selection import StratifiedKFold

from ctrmoe.data.folds import stratified_folds, write_parts


@pytest.mark.parametrize(
    ("rows", "rate", "num_folds"), [(1003, 0.2, 10), (997, 0.5, 7), (10_007, 0.03, 10)]
)
def test_stratified_folds_equal_scikit_learn(rows, rate, num_folds):
    labels = (np.random.default_rng(rows).random(rows) < rate).astype(np.int8)
    splitter = StratifiedKFold(num_folds, shuffle=True, random_state=2018)

    folds = stratified_folds(labels, num_folds, 2018)

    for number, (_, tested) in enumerate(splitter.split(labels, labels)):
        np.testing.assert_array_equal(np.flatnonzero(folds == number), tested)


def test_stratified_folds_refuse_a_rare_label():
    with pytest.raises(ValueError, match=r"at least `num_folds` rows.*rows=\{0: 30, 1: 9\}"):
        stratified_folds(np.array([0] * 30 + [1] * 9), 10, 0)


@pytest.mark.parametrize("chunk_rows", [1, 3, 100])
def test_write_parts_keeps_every_row_in_order(tmp_path, chunk_rows):
    table = pl.DataFrame({"row": range(10)})
    folds = np.array([0, 1, 2, 2, 1, 0, 0, 2, 2, 1])

    write_parts(table.iter_slices(chunk_rows), folds, {"train": (0, 2), "test": (1,)}, tmp_path)

    assert pl.read_parquet(tmp_path / "train.parquet")["row"].to_list() == [0, 2, 3, 5, 6, 7, 8]
    assert pl.read_parquet(tmp_path / "test.parquet")["row"].to_list() == [1, 4, 9]
