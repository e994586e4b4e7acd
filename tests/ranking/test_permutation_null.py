import numpy as np
import pytest
from scipy.special import xlogy
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from ctrmoe.ranking.permutation_null import permutation_moments

SIZES = {
    "two values": [500, 500],
    "rare beside frequent": [5_000, 5_000, *[5] * 6],
    "many rare": [3] * 800 + [2] * 900,
    "frequent beside ids": [3_000] + [1] * 3_000,
    "zipf": [int(20_000 / i**1.2) for i in range(1, 400)],
}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
def test_moments_are_those_of_shuffled_labels(name, share):
    sizes = np.array(SIZES[name])
    rows, positives = int(sizes.sum()), int(share * sizes.sum())
    random, repeats = np.random.default_rng(11), 2_000
    k = random.multivariate_hypergeometric(sizes, positives, repeats, method="marginals")

    rest, p = sizes - k, positives / rows
    drawn = (xlogy(k, k / (sizes * p)) + xlogy(rest, rest / (sizes * (1 - p)))).sum(axis=1)

    mean, variance = permutation_moments(sizes, rows, positives)
    assert abs(drawn.mean() - mean) < 4.5 * drawn.std() / repeats**0.5
    assert drawn.std() == pytest.approx(variance**0.5, rel=0.12)


def test_mean_is_the_expected_mutual_information_of_scikit_learn():
    random = np.random.default_rng(2)
    values, labels = random.integers(0, 40, 900), random.random(900) < 0.3

    mean = permutation_moments(np.bincount(values), 900, int(labels.sum())).mean

    table = contingency_matrix(labels, values, sparse=True)
    assert mean / 900 == pytest.approx(expected_mutual_information(table, 900), rel=1e-9)


@pytest.mark.parametrize(("sizes", "positives"), [([10], 4), ([5, 5], 0), ([5, 5], 10), ([], 0)])
def test_nothing_varies_with_one_value_or_one_label(sizes, positives):
    assert permutation_moments(np.array(sizes, int), sum(sizes), positives) == (0, 0)


def test_unique_ids_always_have_the_same_information():
    mean, variance = permutation_moments(np.ones(500, int), 500, 100)

    assert mean / 500 == pytest.approx(-(0.2 * np.log(0.2) + 0.8 * np.log(0.8)))
    assert variance == pytest.approx(0, abs=1e-6)
