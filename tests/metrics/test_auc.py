"""The AUC against scikit-learn and all pairs, its interval against all pairs and bootstrap."""

import numpy as np
import pytest
import references
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from ctrmoe.metrics import auc, auc_interval


def _rows(seed, rows, rate, decimals=None):
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < rate).astype(np.int8)
    scores = rng.normal(size=rows) + labels
    return labels, scores if decimals is None else scores.round(decimals)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.001, 0.3, 0.999])
@pytest.mark.parametrize("decimals", [0, 1, None])
def test_auc_with_and_without_ties_equals_scikit_learn(dtype, rate, decimals):
    labels, scores = _rows(1, 20_000, rate, decimals)
    scores = scores.astype(dtype)

    assert auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_auc_of_a_million_rows_at_a_tenth_of_a_percent_equals_scikit_learn():
    rng = np.random.default_rng(14)
    logits = rng.normal(-7.5, 1.2, size=1_000_000).astype(np.float32)
    labels = rng.random(logits.size) < 1 / (1 + np.exp(-logits))

    assert 500 < labels.sum() < 2_000
    assert auc(labels, logits) == pytest.approx(roc_auc_score(labels, logits), abs=1e-9)


def test_auc_of_logits_is_kept_where_float32_probabilities_tie():
    labels = np.array([0, 1, 0, 1])
    logits = np.array([20.0, 21.0, 22.0, 23.0], np.float32)
    probabilities = 1 / (1 + np.exp(-logits))

    assert auc(labels, logits) == 0.75
    assert auc(labels, probabilities) == 0.5


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([-1.0, -0.0, 0.0, 0.5])), max_size=30))
def test_auc_of_any_rows_equals_all_pairs(rows):
    labels, scores = [y for y, _ in rows], [s for _, s in rows]

    assert auc(labels, scores) == references.auc(labels, scores)


def test_auc_ranks_infinite_logits():
    scores = [-np.inf, np.inf, 0.0, np.inf]

    assert auc([0, 1, 0, 0], scores) == references.auc([0, 1, 0, 0], scores) == 2.5 / 3


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_auc_without_both_classes_is_none(labels):
    assert auc(labels, np.zeros(len(labels))) is None
    assert auc_interval(labels, np.zeros(len(labels))) is None


def test_auc_of_equal_scores_is_one_half():
    assert auc([0, 1, 1], [2.0, 2.0, 2.0]) == 0.5


def test_auc_of_large_whole_scores_keeps_their_order():
    assert auc([0, 1], np.array([2**24, 2**24 + 1])) == 1.0


@pytest.mark.parametrize("decimals", [0, None])
def test_interval_equals_the_matrix_of_pairs(decimals):
    labels, scores = _rows(2, 300, 0.3, decimals)

    low, high = auc_interval(labels, scores, level=0.95)

    deviation = references.delong_variance(labels, scores) ** 0.5
    centre = auc(labels, scores)
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * deviation, rel=1e-9)
    assert (high + low) / 2 == pytest.approx(centre, abs=1e-12)


def test_interval_agrees_with_bootstrap():
    labels, scores = _rows(3, 2_000, 0.1)
    rng = np.random.default_rng(4)

    draws = rng.integers(0, labels.size, (600, labels.size))
    areas = [auc(labels[rows], scores[rows]) for rows in draws]

    low, high = auc_interval(labels, scores, level=0.9)
    assert low == pytest.approx(np.quantile(areas, 0.05), abs=0.15 * (high - low))
    assert high == pytest.approx(np.quantile(areas, 0.95), abs=0.15 * (high - low))


def test_interval_covers_the_true_area_as_often_as_it_says():
    truth = 0.7602499389065233  # of N(1, 1) above N(0, 1): Φ(1/√2)

    intervals = [auc_interval(*_rows(seed, 600, 0.2), level=0.8) for seed in range(400)]

    share = np.mean([low <= truth <= high for low, high in intervals])
    assert 0.74 < share < 0.86


def test_interval_of_separated_classes_has_no_width():
    assert auc_interval([0, 0, 1, 1], [0.0, 1.0, 2.0, 3.0]) == (1.0, 1.0)


def test_interval_is_cut_to_probabilities():
    labels, scores = [0, 0, 1, 1], [0.0, 1.0, 0.5, 3.0]

    low, high = auc_interval(labels, scores, level=0.5)

    deviation = references.delong_variance(labels, scores) ** 0.5
    assert low == pytest.approx(0.75 - 0.6744897501960817 * deviation)
    assert auc_interval(labels, scores, level=0.99) == (0.0, 1.0)
    assert low < 0.75 < high < 1.0


def test_interval_of_one_positive_is_none():
    assert auc_interval([0, 0, 1], [0.0, 1.0, 2.0]) is None


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_interval_with_a_level_outside_zero_to_one_raises(level):
    with pytest.raises(ValueError, match=r"`level` must lie between 0 and 1. Received: level="):
        auc_interval([0, 1], [0.0, 1.0], level)
