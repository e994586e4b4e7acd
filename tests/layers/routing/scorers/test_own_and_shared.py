import numpy as np
import pytest

from ctrmoe.layers.routing import Router
from ctrmoe.layers.routing.scorers import OwnAndSharedScorer
from ctrmoe.layers.routing.scorers.domain import NEVER

DOMAIN = np.array([2, 0, 1, 9, 2], "int32")  # the fourth is none
OWN = [2, 0, 1, 0, 2]


@pytest.fixture
def x(random):
    return random.normal(size=(5, 4)).astype("float32")


@pytest.mark.parametrize("shared", [0, 3])
def test_each_row_has_logits_of_its_own_and_the_shared_experts(x, randomize, shared):
    scorer = OwnAndSharedScorer(6 + shared, 3, own_experts=2, shared_experts=shared)
    scorer(x, context={"domain": DOMAIN})
    w = randomize(scorer)

    z = scorer(x, context={"domain": DOMAIN})

    expected = np.full((5, 6 + shared), NEVER)
    for row, domain in enumerate(OWN):
        logits = x[row] @ w["gates_bank_kernel_0"][domain] + w["gates_bank_bias_0"][domain]
        expected[row, [2 * domain, 2 * domain + 1, *range(6, 6 + shared)]] = logits
    np.testing.assert_allclose(z, expected, atol=1e-5)


def test_router_chooses_them_all_and_no_others(x):
    router = Router(7, "own_and_shared", num_domains=3, own_experts=2, shared_experts=1)

    routing = {name: np.asarray(t) for name, t in router(x, {"domain": DOMAIN}).items()}

    for row, domain in enumerate(OWN):
        assert set(routing["index"][row]) == {2 * domain, 2 * domain + 1, 6}
    np.testing.assert_allclose(
        routing["gate"], np.take_along_axis(routing["probs"], routing["index"], 1), atol=1e-6
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_experts": 6}, "`num_experts` must be .* 7. Received: num_experts=6"),
        ({"own_experts": 0}, "`own_experts` must be a positive integer"),
        ({"shared_experts": -1}, "`shared_experts` must be a positive integer"),
        ({"num_domains": 0}, "`num_domains` must be a positive integer"),
    ],
)
def test_numbers_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=message):
        OwnAndSharedScorer(
            **{"num_experts": 7, "num_domains": 3, "own_experts": 2, "shared_experts": 1, **options}
        )
