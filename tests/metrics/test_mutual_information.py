import numpy as np
import pytest
from scipy.stats import entropy as scipy_entropy
from sklearn.metrics import mutual_info_score

from ctrmoe.metrics.mutual_information import entropy, mutual_information


def test_entropy_of_known_weights():
    assert entropy([1, 1, 1, 1]) == pytest.approx(2)
    assert entropy([3, 0, 0]) == 0
    assert entropy([[1, 1], [2, 0]]) == pytest.approx(1.5)
    assert entropy([0, 0]) == 0
    assert entropy([0.2, 0.5, 0.7]) == pytest.approx(scipy_entropy([0.2, 0.5, 0.7], base=2))


def test_information_where_one_determines_the_other_or_says_nothing():
    assert mutual_information([[5, 0], [0, 5]]) == pytest.approx(1)
    assert mutual_information([[1, 3], [2, 6]]) == pytest.approx(0, abs=1e-12)
    assert mutual_information(np.zeros((2, 3))) == 0


def test_information_equals_that_of_scikit_learn():
    random = np.random.default_rng(1)
    x = random.integers(0, 5, 400)
    y = (x + random.integers(0, 3, 400)) % 4
    joint = np.zeros((5, 4))
    np.add.at(joint, (x, y), 1)

    assert mutual_information(joint) == pytest.approx(mutual_info_score(x, y) / np.log(2))


def test_information_without_dependence_is_as_large_as_said():
    random = np.random.default_rng(2)
    found = []
    for _ in range(200):
        joint = np.zeros((5, 4))
        np.add.at(joint, (random.integers(0, 5, 500), random.integers(0, 4, 500)), 1)
        found.append(mutual_information(joint))

    assert np.mean(found) == pytest.approx(4 * 3 / (2 * 500 * np.log(2)), rel=0.1)
