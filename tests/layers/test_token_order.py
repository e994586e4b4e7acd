import numpy as np

from ctrmoe.layers.token_order import in_order, split


def test_split_by_lengths(random):
    x = random.normal(size=(2, 6, 3))

    parts = split(x, [1, 3, 2])

    assert [part.shape[1] for part in parts] == [1, 3, 2]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), x)


def test_split_into_one_part_is_the_input(random):
    x = random.normal(size=(2, 3, 3))

    assert split(x, [3])[0] is x


def test_tokens_stand_at_their_places(random):
    x = random.normal(size=(2, 5, 3)).astype("float32")

    tokens = in_order([([1, 2, 4], x[:, :3]), ([0, 9], x[:, 3:])], "float32")

    np.testing.assert_array_equal(tokens, x[:, [3, 0, 1, 2, 4]])
