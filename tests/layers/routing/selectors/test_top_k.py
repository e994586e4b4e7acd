import numpy as np
import pytest

from ctrmoe.layers.routing.selectors import TopK


def test_top_k_divides_by_the_sum_of_the_chosen(select):
    routing = select(TopK(2))

    assert routing["index"].tolist() == [[0, 1], [3, 2]]
    np.testing.assert_allclose(routing["gate"], [[5 / 8, 3 / 8], [4 / 7, 3 / 7]], atol=1e-6)


def test_top_1_keeps_the_probability_so_that_the_router_has_a_gradient(select):
    routing = select(TopK(1))

    np.testing.assert_allclose(routing["gate"], [[0.5], [0.4]], atol=1e-6)


def test_scores_choose_and_logits_weigh(select):
    scores = np.array([[1, 2, 3, 4], [4, 3, 2, 1]], "float32")
    routing = select(TopK(2), scores)

    assert routing["index"].tolist() == [[3, 2], [0, 1]]
    np.testing.assert_allclose(routing["gate"], [[1 / 4, 3 / 4], [1 / 3, 2 / 3]], atol=1e-6)


def test_k_must_be_positive():
    with pytest.raises(ValueError, match="`k` must be a positive integer"):
        TopK(0)
