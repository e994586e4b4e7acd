import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.combiners import COMBINERS

IDS = np.array([[3, 4, 0, 7], [0, 0, 0, 0], [0, 5, 5, 0], [2, 3, 4, 5]], "int32")


@pytest.fixture
def rows(random):
    """Zero where there is padding, as tables give them."""
    return (random.normal(size=(4, 4, 3)) * (IDS > 0)[..., None]).astype("float32")


@pytest.mark.parametrize("combiner", COMBINERS)
def test_equals_the_definition(rows, combiner):
    expected = np.zeros((4, 1, 3))
    for b, row in enumerate(rows):
        expected[b, 0] = references.combined(row[IDS[b] > 0], combiner)

    tokens = COMBINERS[combiner](IDS, rows)

    np.testing.assert_allclose(tokens, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("combiner", "expected"), [("max", -1), ("mean", -3), ("sqrtn", -6 / np.sqrt(2)), ("sum", -6)]
)
def test_padding_counts_for_nothing(combiner, expected):
    rows = np.array([[[-1.0], [0.0], [-5.0]]], "float32")

    token = COMBINERS[combiner](np.array([[3, 0, 4]], "int32"), rows)

    np.testing.assert_allclose(token, [[[expected]]], rtol=1e-6)


@pytest.mark.parametrize("combiner", COMBINERS)
def test_padding_alone_is_zero_with_finite_gradient(combiner):
    rows = tf.zeros((1, 3, 2))

    with tf.GradientTape() as tape:
        tape.watch(rows)
        token = COMBINERS[combiner](np.zeros((1, 3), "int32"), rows)
        total = keras.ops.sum(token)

    np.testing.assert_array_equal(token, np.zeros((1, 1, 2)))
    assert np.isfinite(tape.gradient(total, rows)).all()


def test_gradient_of_the_largest_goes_to_it_alone():
    rows = tf.constant([[[-1.0], [0.0], [-5.0]]])

    with tf.GradientTape() as tape:
        tape.watch(rows)
        total = keras.ops.sum(COMBINERS["max"](np.array([[3, 0, 4]], "int32"), rows))

    np.testing.assert_array_equal(tape.gradient(total, rows)[0, :, 0], [1.0, 0.0, 0.0])


@pytest.mark.parametrize("combiner", ["mean", "sqrtn", "sum"])
def test_weights_equal_the_definition(rows, random, combiner):
    weights = random.integers(0, 4, IDS.shape).astype("float32")
    weights[3] = 0.0  # of four ids none counts
    expected = np.zeros((4, 1, 3))
    for b, row in enumerate(rows):
        there = IDS[b] > 0
        expected[b, 0] = references.combined(row[there], combiner, weights[b][there])

    tokens = COMBINERS[combiner](IDS, rows, weights)

    np.testing.assert_allclose(tokens, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(tokens)[[1, 3]], np.zeros((2, 1, 3)))


@pytest.mark.parametrize("combiner", ["mean", "sqrtn", "sum"])
def test_weights_of_one_change_nothing(rows, combiner):
    ones = np.ones(IDS.shape, "float32")

    np.testing.assert_allclose(
        COMBINERS[combiner](IDS, rows, ones), COMBINERS[combiner](IDS, rows), rtol=1e-6
    )
