import numpy as np
import pytest

from ctrmoe.layers.routing.selectors import TopP


@pytest.mark.parametrize(
    ("p", "max_k", "index", "gate"),
    [
        (0.4, None, [[0, 4, 4, 4], [3, 4, 4, 4]], [[1, 0, 0, 0], [1, 0, 0, 0]]),
        (0.6, None, [[0, 1, 4, 4], [3, 2, 4, 4]], [[5 / 8, 3 / 8, 0, 0], [4 / 7, 3 / 7, 0, 0]]),
        (1.0, None, [[0, 1, 2, 3], [3, 2, 1, 0]], [[0.5, 0.3, 0.15, 0.05], [0.4, 0.3, 0.2, 0.1]]),
        (1.0, 2, [[0, 1], [3, 2]], [[5 / 8, 3 / 8], [4 / 7, 3 / 7]]),
        (0.6, 1, [[0], [3]], [[0.5], [0.4]]),
    ],
)
def test_top_p_takes_the_fewest_that_make_up_the_share(select, p, max_k, index, gate):
    routing = select(TopP(p, max_k=max_k))

    assert routing["index"].tolist() == index
    np.testing.assert_allclose(routing["gate"], gate, atol=1e-6)


def test_p_must_be_a_share():
    with pytest.raises(ValueError, match="`p` must lie in"):
        TopP(1.5)


def test_max_k_must_not_exceed_the_experts(select):
    with pytest.raises(ValueError, match="`max_k` must be at most the number of experts, 4"):
        select(TopP(0.5, max_k=9))
