import numpy as np
import pytest

from ctrmoe.ranking.combinations.codes import JointIndex
from ctrmoe.ranking.combinations.joint_counts import JointCounts
from ctrmoe.ranking.combinations.told import told
from ctrmoe.ranking.scores import CorrectedMI


@pytest.mark.parametrize("values", [6, 900])
def test_estimate_is_that_of_a_single_feature_with_the_same_values(codes_of, counted, values):
    random = np.random.default_rng(5)
    keys, labels = random.integers(0, values, 1_000), random.integers(0, 2, 1_000)
    codes = codes_of(labels, a=keys)

    found = told(JointCounts.of_rows(JointIndex(codes, ["a"]), codes.labels), np.bincount(labels))

    np.testing.assert_allclose(found.estimate, CorrectedMI()(counted(keys, labels)), rtol=1e-9)


def test_places_that_were_all_seen_once_tell_nothing(codes_of):
    codes = codes_of([0, 1, 0, 1], a=[0, 1, 2, 3])

    found = told(JointCounts.of_rows(JointIndex(codes, ["a"]), codes.labels), np.array([2, 2]))

    assert found.estimate.value == 0
    assert found.estimate.p_value == 1
