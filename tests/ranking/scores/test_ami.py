import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from ctrmoe.ranking.scores.ami import AMI


@pytest.mark.parametrize("cardinality", [2, 25, 400, 10**9])
def test_value_is_that_of_scikit_learn(cardinality, counted):
    random = np.random.default_rng(31)
    keys = random.integers(0, cardinality, 1_000)
    labels = (random.random(1_000) < np.where(keys % 2, 0.5, 0.2)).astype(int)

    found = AMI()(counted(keys, labels)).value

    assert found == pytest.approx(adjusted_mutual_info_score(labels, keys), abs=1e-5)


def test_feature_that_equals_the_label(counted):
    assert AMI()(counted([0, 1, 1, 0] * 9, [0, 1, 1, 0] * 9)).value == pytest.approx(1)
