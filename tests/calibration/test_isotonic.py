import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from ctrmoe.calibration import isotonic
from ctrmoe.calibration.isotonic import MIN_CLASS, MIN_GAP
from ctrmoe.metrics import auc, logloss, pcoc


def bent(logits):
    """Too bold below, too timid above: no line mends it."""
    return np.where(logits < -2, -2 + 0.3 * (logits + 2), -2 + 1.8 * (logits + 2))


def test_bent_truth_is_found_again(draw):
    logits, positives = draw(bent)
    others, _ = draw(bent, seed=1)

    found = isotonic(logits, positives)

    gap = expit(found(others)) - expit(bent(others))
    assert np.abs(gap).mean() < 0.006
    assert pcoc(positives, found(logits)) == pytest.approx(1, abs=1e-6)


def test_unseen_rows_lose_no_more_than_by_the_steps(draw):
    """The steps of scikit-learn's isotonic regression, read where their rates are not 0 or 1."""
    logits, positives = draw(bent)
    others, labels = draw(bent, seed=1)
    steps = IsotonicRegression(out_of_bounds="clip").fit(logits, positives)

    loss = logloss(labels, isotonic(logits, positives)(others))

    rates = np.clip(steps.predict(others), 1e-4, 1 - 1e-4)
    assert loss < logloss(labels, logit(rates))
    assert loss < logloss(labels, others)
    assert loss < logloss(labels, bent(others)) + 0.001


def test_order_of_the_rows_is_kept(draw):
    logits, positives = draw(bent)
    found = isotonic(logits, positives)

    assert auc(positives, found(logits)) == auc(positives, logits)


def test_points_hold_enough_rows_and_lie_apart(draw):
    logits, positives = draw(bent, rows=3_000)

    found = isotonic(logits, positives)

    assert len(found.x) > 3
    assert np.diff(found.x).min() >= MIN_GAP
    assert expit(found.y[0]) >= MIN_CLASS / 3_000


def test_few_distinct_logits():
    """As of a model of one feature: each distinct logit with its rate."""
    logits = np.repeat([-1.0, 0.0, 1.0], 100)
    positives = np.concatenate([np.arange(100) < clicks for clicks in (20, 50, 70)])

    found = isotonic(logits, positives)

    np.testing.assert_allclose(expit(found(np.array([-1.0, 0.0, 1.0]))), [0.2, 0.5, 0.7])


def test_labels_that_fall_with_the_logits_give_a_shift(draw):
    logits, positives = draw(lambda z: -z)

    found = isotonic(logits, positives)

    assert len(found.x) == 1
    assert pcoc(positives, found(logits)) == pytest.approx(1, abs=1e-6)


def test_too_few_of_a_class():
    with pytest.raises(ValueError, match="must hold 10 rows or more of each class. Received: 9 "):
        isotonic(np.arange(100.0), np.arange(100) < 9)
