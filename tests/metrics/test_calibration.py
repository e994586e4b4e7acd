"""ECE and PCOC against plain loops."""

import numpy as np
import pytest
import references
from hypothesis import given
from hypothesis import strategies as st

from ctrmoe.metrics import expected_calibration_error, pcoc

RNG = np.random.default_rng(6)
LOGITS = RNG.normal(-2.0, 1.5, 400)
LABELS = RNG.random(400) < 1 / (1 + np.exp(-LOGITS))


@pytest.mark.parametrize("num_bins", [1, 10, 20, 1_000])
@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_ece_with_and_without_ties_equals_the_loop(num_bins, decimals):
    logits = LOGITS.round(decimals)

    value = expected_calibration_error(LABELS, logits, num_bins)

    expected = references.expected_calibration_error(LABELS, logits, num_bins)
    assert value == pytest.approx(expected, abs=1e-12)


@given(st.permutations(range(40)))
def test_ece_of_ties_does_not_depend_on_the_order_of_rows(order):
    logits, labels = np.repeat([-1.0, 0.0, 0.5, 2.0], 10), np.arange(40) % 3 == 0

    value = expected_calibration_error(labels[order], logits[order], 3)

    assert value == pytest.approx(expected_calibration_error(labels, logits, 3), abs=1e-12)


def test_ece_of_separate_ties_holds_each_in_one_bin():
    logits = np.repeat([np.log(0.25 / 0.75), 0.0], [30, 10])
    labels = np.r_[np.arange(30) < 15, np.arange(10) < 10]

    assert expected_calibration_error(labels, logits) == pytest.approx((7.5 + 5) / 40)


def test_ece_of_calibrated_logits_is_near_zero_and_grows_with_a_shift():
    rng = np.random.default_rng(7)
    logits = rng.normal(-3.0, 1.0, 200_000)
    labels = rng.random(logits.size) < 1 / (1 + np.exp(-logits))

    assert expected_calibration_error(labels, logits) < 0.003
    shifted = 1 / (1 + np.exp(-logits - 1)) - 1 / (1 + np.exp(-logits))
    expected = pytest.approx(shifted.mean(), rel=0.05)
    assert expected_calibration_error(labels, logits + 1) == expected


def test_ece_of_infinite_logits_is_defined():
    assert expected_calibration_error([1, 0], [np.inf, -np.inf]) == 0.0
    assert expected_calibration_error([0, 1], [np.inf, -np.inf]) == 1.0


def test_ece_of_one_class_is_defined():
    assert expected_calibration_error([0, 0], [0.0, 0.0]) == 0.5


def test_ece_without_rows_is_none():
    assert expected_calibration_error([], []) is None


def test_ece_without_bins_raises():
    with pytest.raises(ValueError, match="`num_bins` must be at least 1. Received: num_bins=0"):
        expected_calibration_error(LABELS, LOGITS, num_bins=0)


def test_pcoc_equals_the_loop():
    assert pcoc(LABELS, LOGITS) == pytest.approx(references.pcoc(LABELS, LOGITS), rel=1e-12)


def test_pcoc_of_small_probabilities_keeps_their_digits():
    logits = np.full(1_000, -40.0, np.float32)

    assert pcoc(np.arange(1_000) == 0, logits) == pytest.approx(1_000 * np.exp(-40.0), rel=1e-12)


def test_pcoc_of_infinite_logits_counts_them_as_certain():
    assert pcoc([1, 1, 0], [np.inf, -np.inf, np.inf]) == 1.0


@pytest.mark.parametrize("labels", [[], [0, 0]])
def test_pcoc_without_positives_is_none(labels):
    assert pcoc(labels, np.zeros(len(labels))) is None
