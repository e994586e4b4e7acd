import numpy as np
import pytest

from ctrmoe.layers import Field
from ctrmoe.layers.token_order import cut_by_field, in_order, split


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


@pytest.mark.parametrize("kinds", [["categorical", "sequence"], ["categorical"], ["sequence"]])
def test_fields_with_one_id_stay_together(random, kinds):
    fields = [
        Field(name="s", kind="sequence", vocabulary_size=5, length=3),
        Field(name="a", kind="categorical", vocabulary_size=5),
        Field(name="t", kind="sequence", vocabulary_size=5, length=2),
        Field(name="b", kind="categorical", vocabulary_size=5),
    ]
    cases = {"categorical": [([1, 3], 2)], "sequence": [([0], 3), ([2], 2)]}
    expected = [case for kind in kinds for case in cases[kind]]
    positions = [position for places, _ in expected for position in places]
    ids = random.integers(0, 5, (4, sum(length for _, length in expected)))
    rows = random.normal(size=(*ids.shape, 3))

    parts = cut_by_field(positions, fields, ids, rows)

    assert [(places, part.shape[1]) for places, part, _ in parts] == expected
    np.testing.assert_array_equal(np.concatenate([p for _, p, _ in parts], axis=1), ids)
    np.testing.assert_array_equal(np.concatenate([r for _, _, r in parts], axis=1), rows)
