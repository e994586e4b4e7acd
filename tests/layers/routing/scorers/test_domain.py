import numpy as np

from ctrmoe.layers.routing.scorers import DomainScorer
from ctrmoe.layers.routing.scorers.domain import NEVER


def test_domain_scores_its_own_expert(random):
    z = DomainScorer(3)(
        random.normal(size=(5, 5)), context={"domain": np.array([2, 0, 1, 3, -1], "int32")}
    )

    expected = np.full((5, 3), NEVER, "float32")
    expected[range(5), [2, 0, 1, 0, 0]] = 0  # the last two are none
    np.testing.assert_array_equal(z, expected)
