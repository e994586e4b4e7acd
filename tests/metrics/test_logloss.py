"""Log loss and normalised entropy against scikit-learn and a plain loop."""

import numpy as np
import pytest
import references
from sklearn.metrics import log_loss

from ctrmoe.metrics import logloss, normalized_entropy

RNG = np.random.default_rng(5)
LOGITS = RNG.normal(-2.0, 2.0, 1_000)
LABELS = RNG.random(1_000) < 1 / (1 + np.exp(-LOGITS))


def test_logloss_equals_the_loop_and_scikit_learn():
    value = logloss(LABELS, LOGITS)

    assert value == pytest.approx(references.logloss(LABELS, LOGITS), rel=1e-12)
    assert value == pytest.approx(log_loss(LABELS, 1 / (1 + np.exp(-LOGITS))), rel=1e-12)


def test_logloss_of_large_float32_logits_is_their_size():
    logits = np.array([1000.0, -1000.0], np.float32)

    assert logloss([0, 1], logits) == 1000.0
    assert logloss([1, 0], logits) == 0.0


def test_logloss_of_infinite_logits_is_zero_or_infinite():
    assert logloss([1, 0], [np.inf, -np.inf]) == 0.0
    assert logloss([0, 0], [np.inf, -np.inf]) == np.inf
    assert logloss([1, 1], [np.inf, -np.inf]) == np.inf


def test_logloss_of_one_class_is_defined():
    assert logloss([1, 1], [0.0, 0.0]) == pytest.approx(np.log(2))


def test_logloss_without_rows_is_none():
    assert logloss([], []) is None
    assert normalized_entropy([], []) is None


def test_normalized_entropy_equals_the_loop():
    expected = references.normalized_entropy(LABELS, LOGITS)

    assert normalized_entropy(LABELS, LOGITS) == pytest.approx(expected, rel=1e-12)
    assert expected < 1


def test_normalized_entropy_of_the_base_rate_is_one():
    labels = np.arange(1_000) < 30

    logits = np.full(1_000, np.log(0.03 / 0.97))

    assert normalized_entropy(labels, logits) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_normalized_entropy_of_one_class_is_none(label):
    assert normalized_entropy([label] * 3, [0.1, 0.2, 0.3]) is None
