import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from ctrmoe.ranking.information import corrected, divergence, entropy, mutual_information, tail
from ctrmoe.ranking.permutation_null import Moments


def test_mutual_information_is_that_of_scikit_learn():
    random = np.random.default_rng(4)
    values, labels = random.integers(0, 30, 2_000), random.integers(0, 2, 2_000)
    counts = np.stack([np.bincount(values[labels == c], minlength=30) for c in (0, 1)], axis=1)

    value, std = mutual_information(counts, counts.sum(axis=0))

    assert value == pytest.approx(mutual_info_score(values, labels))
    assert std > 0


def test_standard_error_is_the_spread_over_samples():
    random, chances = np.random.default_rng(6), np.array([0.1, 0.3, 0.2, 0.4])
    samples = [random.multinomial(3_000, chances).reshape(2, 2) for _ in range(600)]

    found = [mutual_information(s, s.sum(axis=0)) for s in samples]

    values, errors = np.array(found).T
    assert errors.mean() == pytest.approx(values.std(), rel=0.1)


def test_entropy_of_equal_counts():
    assert entropy(np.array([5, 5, 5])) == pytest.approx(np.log(3))


def test_tail_of_half_a_chi_squared():
    # Two degrees of freedom: the tail is exponential.
    assert tail(3.0, Moments(1.0, 1.0)) == pytest.approx(np.exp(-3))
    assert tail(0.0, Moments(0.0, 0.0)) == 1


def test_corrected_subtracts_the_mean():
    value, std, _ = corrected(0.5, 0.03, Moments(20.0, 16.0), 100)

    assert value == pytest.approx(0.3)
    assert std == pytest.approx(0.05)


def test_divergence_from_the_rate_to_be_expected():
    first, second = divergence(np.array([4, 3]), np.array([1, 3]), np.array([0.5, 0.6]))

    surprises = [np.log(0.25 / 0.5), *[np.log(0.75 / 0.5)] * 3, *[np.log(1 / 0.6)] * 3]
    assert first == pytest.approx(sum(surprises))
    assert second == pytest.approx(sum(np.square(surprises)))


def test_single_value_has_neither_score_nor_error():
    counts, classes = np.array([[121, 30]]), np.array([121, 30])

    assert corrected(*mutual_information(counts, classes), Moments(0, 0), 151) == (0, 0, 1)
