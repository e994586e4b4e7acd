import numpy as np
import pytest

from ctrmoe.layers.interactions.behaviour_sequences import (
    BehaviourSequences,
    joined,
    listed_sequences,
    listed_shapes,
    total_length,
)


@pytest.fixture
def sequences(random):
    return [random.normal(size=(2, length, 3)).astype("float32") for length in (4, 2)]


KEEP = [np.array([[1, 1, 0, 0], [0, 0, 0, 0]], "bool"), np.array([[1, 1], [1, 0]], "bool")]


def test_padding_is_zero_whatever_it_holds(sequences):
    sequences[0][0, 2:] = np.nan

    out = BehaviourSequences()(sequences, keep=KEEP)

    for sequence, keep, x in zip(sequences, KEEP, out, strict=True):
        np.testing.assert_array_equal(x, np.where(keep[:, :, None], sequence, 0))


def test_positions_are_vectors_of_their_own_for_each_sequence(sequences, randomize):
    layer = BehaviourSequences(positions=True)
    layer(sequences, keep=KEEP)
    weights = randomize(layer)

    out = layer(sequences, keep=KEEP)

    for a, (sequence, keep, x) in enumerate(zip(sequences, KEEP, out, strict=True)):
        expected = keep[:, :, None] * (sequence + weights[f"positions_{a}"])
        np.testing.assert_allclose(x, expected, atol=1e-6)


def test_none_one_or_several_become_lists(sequences):
    (sequence, _), (keep, _) = sequences, KEEP

    assert listed_sequences(None, None) == ([], [])
    for one in (listed_sequences(sequence, keep), listed_sequences([sequence], [keep])):
        assert [len(part) for part in one] == [1, 1]
        np.testing.assert_array_equal(one[1][0], keep)
    _, masks = listed_sequences(sequences, None)
    assert [mask.shape for mask in masks] == [(2, 4), (2, 2)]
    assert all(np.all(mask) for mask in masks)


def test_numbers_are_masks_too(sequences):
    (mask,) = listed_sequences(sequences[0], KEEP[0].astype("int32"))[1]

    np.testing.assert_array_equal(mask, KEEP[0])


def test_listed_shapes():
    assert listed_shapes(None, 3) == []
    assert listed_shapes((None, 4, 3), 3) == [(None, 4, 3)]
    assert listed_shapes([[None, 4, 3], [None, 2, 3]], 3) == [[None, 4, 3], [None, 2, 3]]


def test_total_length():
    assert total_length([(None, 4, 3), (None, 2, 3)]) == 6
    assert total_length([(None, 4, 3), (None, None, 3)]) is None


def test_joined(sequences):
    assert joined(sequences).shape == (2, 6, 3)
    assert joined(sequences[:1]) is sequences[0]


def test_inputs_that_do_not_fit(sequences):
    with pytest.raises(ValueError, match="`sequences` must be .* as wide as the tokens, 5. R"):
        listed_shapes([(None, 4, 3)], 5)
    with pytest.raises(ValueError, match="`sequences_mask` must have one .* 1 masks, 2 seq"):
        listed_sequences(sequences, KEEP[0])
    with pytest.raises(ValueError, match="`positions` must be False .* positions=True, shape="):
        BehaviourSequences(positions=True).build([(None, None, 3)])
