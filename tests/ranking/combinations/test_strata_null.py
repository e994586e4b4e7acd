import numpy as np
import pytest
import references

from ctrmoe.ranking.combinations.strata_null import strata_moments
from ctrmoe.ranking.permutation_null import permutation_moments

KINDS = {
    "small strata": [5, 3, 8, 2, 1, 6, 4] * 12,
    "one large and many small": [150, *[2, 3, 4] * 20],
    "large": [400, 400],
}


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_those_of_labels_shuffled_within_strata(kind):
    random = np.random.default_rng(3)
    strata = np.repeat(np.arange(len(KINDS[kind])), KINDS[kind])
    values = random.integers(0, 4, len(strata))
    labels = (random.random(len(strata)) < 0.3).astype(int)
    cells, sizes = np.unique(strata * 4 + values, return_counts=True)
    positives = np.bincount(strata, labels).astype(int)

    found = strata_moments(sizes, cells // 4, np.bincount(strata), positives)

    drawn = []
    for _ in range(400):
        order = np.lexsort((random.random(len(strata)), strata))  # the strata are in order
        drawn.append(shared(values, labels[order], strata))
    assert found.mean == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 20)
    assert found.variance == pytest.approx(np.var(drawn), rel=0.35)


def shared(values, labels, strata):
    count = np.zeros((strata.max() + 1, 4, 2))
    np.add.at(count, (strata, values, labels), 1)
    alone, sizes = count.sum(axis=1, keepdims=True), count.sum(axis=2, keepdims=True)
    with np.errstate(all="ignore"):
        terms = count * np.log(count * sizes.sum(axis=1, keepdims=True) / (alone * sizes))
    return np.nansum(terms)


def test_shared_information_is_that_of_loops():
    random = np.random.default_rng(4)
    values, labels, strata = (random.integers(0, n, 60) for n in (4, 2, 5))

    expected = references.conditional_information(values.tolist(), labels.tolist(), strata.tolist())
    assert shared(values, labels, strata) / 60 == pytest.approx(expected)


def test_one_stratum_is_the_permutation_null():
    sizes = np.array([1, 2, 5, 40, 300, 152])

    found = strata_moments(sizes, np.zeros(6, np.intp), np.array([500]), np.array([110]))

    assert found == pytest.approx(permutation_moments(sizes, 500, 110), rel=0.01)


def test_strata_of_one_label_have_none():
    found = strata_moments(np.array([2, 3]), np.array([0, 0]), np.array([5]), np.array([0]))

    assert found == (0.0, 0.0)
