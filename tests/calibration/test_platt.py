import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from ctrmoe.calibration import platt
from ctrmoe.metrics import pcoc


def test_line_is_found_again(draw):
    logits, positives = draw(lambda z: 0.6 * z - 0.8)

    found = platt(logits, positives)

    assert found.slope == pytest.approx(0.6, abs=0.02)
    assert found.y[0] == pytest.approx(-0.8, abs=0.04)


def test_line_is_that_of_a_logistic_regression(draw):
    """Platt's targets differ from the labels by one part in the number of clicks only."""
    logits, positives = draw(lambda z: 1.5 * z + 1)

    found = platt(logits, positives)

    expected = LogisticRegression(C=1e9, tol=1e-8).fit(logits[:, None], positives)
    assert found.slope == pytest.approx(expected.coef_[0, 0], rel=1e-3)
    assert found.y[0] == pytest.approx(expected.intercept_[0], abs=2e-3)


def test_mean_prediction_of_the_fit_is_its_rate(draw):
    logits, positives = draw(lambda z: 0.7 * z - 2)

    assert pcoc(positives, platt(logits, positives)(logits)) == pytest.approx(1, abs=1e-4)


def test_logits_that_tell_the_classes_apart():
    logits = np.linspace(-3, 3, 200)

    found = platt(logits, logits > 0)

    assert np.isfinite(found.slope)
    assert expit(found(np.array([3.0])))[0] < 1


def test_labels_that_fall_with_the_logits_give_a_shift(draw):
    logits, positives = draw(lambda z: -z)

    found = platt(logits, positives)

    assert found.slope == 1
    assert pcoc(positives, found(logits)) == pytest.approx(1, abs=1e-6)


def test_one_class_only():
    with pytest.raises(ValueError, match="must hold 1 rows or more of each class. Received: 0 pos"):
        platt(np.zeros(5), np.zeros(5, bool))
