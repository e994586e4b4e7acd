import numpy as np

from ctrmoe.layers.routing.scorers import DomainScorer
from ctrmoe.layers.routing.scorers.domain import NEVER


def test_domain_scores_its_own_expert(random):
    z = DomainScorer(3)(
        random.normal(size=(3, 5)), context={"domain": np.array([2, 0, 1], "int32")}
    )

    expected = np.full((3, 3), NEVER, "float32")
    expected[[0, 1, 2], [2, 0, 1]] = 0
    np.testing.assert_array_equal(z, expected)
