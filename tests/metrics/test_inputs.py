"""What every figure refuses."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from ctrmoe.metrics import auc, expected_calibration_error, gauc, logloss, normalized_entropy, pcoc

FIGURES = [
    auc,
    expected_calibration_error,
    lambda labels, scores: gauc(labels, scores, np.zeros(len(scores))),
    logloss,
    normalized_entropy,
    pcoc,
]


@pytest.mark.parametrize("figure", FIGURES)
def test_nan_scores_raise_with_their_number(figure):
    with pytest.raises(ValueError, match="`scores` must not be NaN. Received: 2 NaN among 3"):
        figure([0, 1, 1], [0.5, np.nan, np.nan])


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("labels", [[0, 1, 2], [0, 1, np.nan], [0, 1, -1]])
def test_labels_that_are_not_binary_raise_with_the_first_row(figure, labels):
    with pytest.raises(ValueError, match="`labels` must be 0 or 1. Received: 1 other .* row 2"):
        figure(labels, [0.5, 0.1, 0.2])


@pytest.mark.parametrize("figure", FIGURES)
def test_unequal_lengths_raise(figure):
    with pytest.raises(ValueError, match=r"Received: len\(labels\)=2, len\(scores\)=3"):
        figure([0, 1], [0.5, 0.1, 0.2])


@pytest.mark.parametrize("figure", FIGURES)
def test_a_matrix_of_scores_raises(figure):
    with pytest.raises(ValueError, match=r"`scores` must be one-dimensional. .*shape=\(2, 1\)"):
        figure([0, 1], [[0.5], [0.1]])


def test_null_labels_of_a_table_raise():
    with pytest.raises(ValueError, match="`labels` must be 0 or 1. Received: 1 other values"):
        auc(pl.Series([0, None, 1]), pl.Series([0.1, 0.2, 0.3]))


@pytest.mark.parametrize("kind", [bool, np.int8, np.int64, np.uint8, np.float32, np.float64])
def test_labels_of_any_type_give_the_same_figure(kind):
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8])

    assert auc(labels.astype(kind), scores) == auc(labels, scores)


@pytest.mark.parametrize("wrap", [list, pl.Series, pa.array, tuple])
def test_columns_of_any_library_give_the_same_figure(wrap):
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.35, 0.8])

    assert auc(wrap(labels), wrap(scores)) == auc(labels, scores)
