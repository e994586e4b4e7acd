import numpy as np

from ctrmoe.layers.routing.selectors import Hard


def test_hard_takes_the_best_by_scores_with_weight_one(select):
    routing = select(Hard(), np.array([[1, 2, 9, 4], [4, 3, 2, 1]], "float32"))

    assert routing["index"].tolist() == [[2], [0]]
    assert routing["index"].dtype == "int32"
    np.testing.assert_array_equal(routing["gate"], np.ones((2, 1), "float32"))
    np.testing.assert_allclose(routing["probs"].sum(axis=1), 1, atol=1e-6)
