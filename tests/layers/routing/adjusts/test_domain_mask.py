import numpy as np
import pytest

from ctrmoe.layers.routing.adjusts import DomainMask
from ctrmoe.layers.routing.scorers.domain import NEVER


def test_mask_leaves_a_domain_its_experts(scores):
    mask = DomainMask([[1, 1, 1], [0, 1, 0]])

    found = mask(scores, context={"domain": np.array([0, 1, 2, -1], "int32")})

    for name in ("logits", "scores"):
        # The last two are no domain, which domain 0 stands for.
        np.testing.assert_array_equal(
            np.asarray(found[name])[[0, 2, 3]], scores["logits"][[0, 2, 3]]
        )
        np.testing.assert_array_equal(
            found[name][1], [np.float32(NEVER), scores["logits"][1, 1], np.float32(NEVER)]
        )


def test_mask_of_another_number_of_experts(scores):
    with pytest.raises(ValueError, match="`allowed` must have an entry for each of 3 experts"):
        DomainMask([[1, 1]])(scores, context={"domain": np.zeros(4, "int32")})


@pytest.mark.parametrize(
    ("allowed", "message"),
    [
        ([], "`allowed` must have a list for each domain"),
        ([[1], [1, 1]], "`allowed` must have a list for each domain"),
        ([[1, 0], [0, 0]], "allow each domain an expert. Received: \\[0, 0\\] of domain 1"),
        ([[1, 2]], "`allowed` must hold 0 and 1"),
    ],
)
def test_mask_that_leaves_a_domain_nothing(allowed, message):
    with pytest.raises(ValueError, match=message):
        DomainMask(allowed)
