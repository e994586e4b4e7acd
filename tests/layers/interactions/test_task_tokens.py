import numpy as np
import pytest

from ctrmoe.layers.interactions.task_tokens import TaskTokens


def test_every_row_gets_the_same_tokens(random):
    layer = TaskTokens(2)

    out = np.asarray(layer(random.normal(size=(3, 5, 4)).astype("float32")))

    assert out.shape == (3, 2, 4)
    np.testing.assert_array_equal(out, np.broadcast_to(layer.tokens.numpy(), out.shape))
    assert not np.allclose(out[0, 0], out[0, 1])


def test_argument_out_of_range():
    with pytest.raises(ValueError, match="`count` must be a positive integer. Received: count=0"):
        TaskTokens(0)
