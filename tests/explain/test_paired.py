import numpy as np
import pytest

from ctrmoe.explain.paired import auc_drop, logloss_rise, placements
from ctrmoe.metrics import auc, auc_interval, logloss


@pytest.fixture
def rows():
    random = np.random.default_rng(3)
    labels = random.random(400) < 0.3
    own = labels + random.normal(size=400)
    permuted = np.stack([0.3 * labels + random.normal(size=400) for _ in range(4)])
    return labels, own, permuted.round(1)


def test_changes_are_differences_of_the_metrics(rows):
    labels, own, permuted = rows

    drop, rise = auc_drop(*rows), logloss_rise(*rows)

    expected = auc(labels, own) - np.mean([auc(labels, logits) for logits in permuted])
    assert drop.value == pytest.approx(expected, abs=1e-12)
    expected = np.mean([logloss(labels, logits) for logits in permuted]) - logloss(labels, own)
    assert rise.value == pytest.approx(expected, abs=1e-12)
    assert drop.low < drop.value < drop.high
    assert rise.value - rise.low == pytest.approx(rise.high - rise.value)


def test_interval_against_chance_is_that_of_the_auc(rows):
    labels, own, _ = rows
    low, high = auc_interval(labels, own)

    drop = auc_drop(labels, own, np.zeros((2, len(own))))

    assert drop.low == pytest.approx(low - 0.5)
    assert drop.high == pytest.approx(high - 0.5)


def test_logloss_interval_is_that_of_the_rows_means(rows):
    labels, own, permuted = rows
    losses = [
        np.mean([logloss([y], [z]) for z in column]) - logloss([y], [z0])
        for y, z0, column in zip(labels, own, permuted.T, strict=True)
    ]

    rise = logloss_rise(labels, own, permuted)

    width = 1.959964 * np.std(losses, ddof=1) / np.sqrt(len(losses))
    assert rise.high - rise.value == pytest.approx(width, rel=1e-6)


def test_nothing_lost_has_an_interval_of_zero(rows):
    labels, own, _ = rows

    same = np.stack([own, own])

    assert auc_drop(labels, own, same) == (0, 0, 0)
    assert logloss_rise(labels, own, same) == (0, 0, 0)


def test_placements_count_ties_one_half():
    labels = np.array([True, False, True, False])
    logits = np.array([1.0, 1.0, 2.0, 0.0])

    found = placements(labels, logits)

    np.testing.assert_array_equal(found, [0.75, 0.75, 1, 1])
    assert found[labels].mean() == found[~labels].mean() == auc(labels, logits)


@pytest.mark.parametrize("changes", [auc_drop, logloss_rise])
def test_intervals_cover_the_truth_of_a_feature_without_effect(changes):
    """Over other rows, which the spread of repeats on the same rows does not know of."""
    random = np.random.default_rng(4)
    over_rows = over_repeats = 0
    for _ in range(300):
        x, noise = random.normal(size=(2, 300))
        labels = random.random(300) < 1 / (1 + np.exp(-x))
        own = x + 0.5 * noise
        permuted = np.stack([x + 0.5 * random.permutation(noise) for _ in range(5)])
        found = changes(labels, own, permuted)
        over_rows += found.low <= 0 <= found.high
        values = [changes(labels, own, logits[None]).value for logits in permuted]
        over_repeats += abs(np.mean(values)) <= 2.776 * np.std(values, ddof=1) / np.sqrt(5)

    assert over_rows / 300 > 0.93
    assert over_repeats / 300 < 0.85


def test_one_class_has_no_auc():
    labels = np.ones(3, bool)
    logits = np.arange(3.0)

    assert auc_drop(labels, logits, logits[None]) is None
    assert logloss_rise(labels, logits, logits[None]).value == 0
    assert logloss_rise(labels[:0], logits[:0], logits[None, :0]) is None
