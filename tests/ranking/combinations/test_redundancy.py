import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from ctrmoe.ranking.combinations.redundancy import Redundancy

RANDOM = np.random.default_rng(2)
ROWS = 4_000
A = RANDOM.integers(0, 12, ROWS)
COLUMNS = {
    "a": A,
    "renamed": (A * 5 + 3) % 12,
    "noisy": np.where(RANDOM.random(ROWS) < 0.7, A, RANDOM.integers(0, 12, ROWS)),
    "coarse": A // 4,
    "noise": RANDOM.integers(0, 500, ROWS),
    "other_noise": RANDOM.integers(0, 900, ROWS),
    "constant": np.zeros(ROWS, int),
}


@pytest.fixture(scope="module")
def redundancy(codes_of):
    return Redundancy(codes_of(np.zeros(ROWS), **COLUMNS), seed=1)


@pytest.mark.parametrize("other", ["renamed", "noisy", "coarse", "noise"])
def test_it_is_adjusted_mutual_information(redundancy, other):
    expected = adjusted_mutual_info_score(A, COLUMNS[other])

    assert redundancy(("a", other)) == pytest.approx(max(expected, 0), abs=0.01)


def test_noise_of_many_values_is_not_redundant(redundancy):
    assert redundancy(("noise", "other_noise")) < 0.02
    assert redundancy(("a", "constant")) == 0


def test_it_has_no_direction_and_no_sign(redundancy):
    names = list(COLUMNS)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            found = redundancy((one, other))
            assert 0 <= found <= 1
            assert redundancy((other, one)) == pytest.approx(found, abs=0.01)
