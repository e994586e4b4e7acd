import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.interactions.cross_attention import CrossAttention


@pytest.fixture
def query(random):
    return random.normal(size=(4, 3, 6)).astype("float32")


@pytest.fixture
def context(random):
    return random.normal(size=(4, 5, 6)).astype("float32")


@pytest.fixture
def keep():
    """Padding at the end, at the start, nowhere, everywhere."""
    return np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1] * 5, [0] * 5], "bool")


@pytest.mark.parametrize("num_heads", [1, 2, 3])
@pytest.mark.parametrize("use_bias", [False, True])
def test_equals_the_equation(query, context, keep, randomize, num_heads, use_bias):
    layer = CrossAttention(num_heads, use_bias=use_bias)
    layer(query, context)
    weights = randomize(layer)

    for mask in (None, keep):
        rows = keep if mask is not None else [None] * 4
        expected = [
            references.cross_attention(*row, weights, num_heads, padding)
            for *row, padding in zip(query, context, rows, strict=True)
        ]
        np.testing.assert_allclose(layer(query, context, keep=mask), expected, atol=1e-5)


@pytest.mark.parametrize("num_heads", [1, 2])
def test_weights_are_distributions_without_padding(query, context, keep, randomize, num_heads):
    layer = CrossAttention(num_heads)
    layer(query, context)
    kernels = randomize(layer)

    weights = np.asarray(layer.attention(query, context, keep))

    expected = [
        references.attention_weights(*row, kernels, num_heads, padding)
        for *row, padding in zip(query, context, keep, strict=True)
    ]
    np.testing.assert_allclose(weights, expected, atol=1e-5)
    for row, total in enumerate([1, 1, 1, 0]):
        np.testing.assert_allclose(weights[row].sum(axis=-1), total, atol=1e-6)
    padding = np.broadcast_to(~keep[:, None, None], (4, num_heads, 3, 5))
    assert (weights[padding] == 0).all()
    assert weights[2].std() > 0.01


def test_one_token_is_what_every_query_gets(query, context, keep, randomize):
    layer = CrossAttention(2, use_bias=True)
    one, keep = context[:, :1], keep[:, :1]
    layer(query, one)
    weights = randomize(layer)

    assert set(weights) == {"value_kernel", "value_bias"}
    values = one.astype("float64") @ weights["value_kernel"] + weights["value_bias"]
    expected = np.repeat(values, 3, axis=1)
    np.testing.assert_allclose(layer(query, one), expected, atol=1e-5)
    np.testing.assert_allclose(layer(query, one, keep=keep), expected * keep[:, :, None], atol=1e-5)
    np.testing.assert_array_equal(layer.attention(query, one), np.ones((4, 2, 3, 1)))
    masked = np.broadcast_to(keep[:, None, None], (4, 2, 3, 1))
    np.testing.assert_array_equal(layer.attention(query, one, keep), masked)
    with pytest.raises(ValueError, match=r"`context` must have one token.*\(4, 5, 6\)"):
        layer(query, context)


def test_padding_has_no_influence(query, context, keep):
    layer = CrossAttention(2)
    other = np.where(keep[:, :, None], context, 1e3 * context + 7)

    np.testing.assert_array_equal(layer(query, context, keep=keep), layer(query, other, keep=keep))
    assert not np.allclose(layer(query, context), layer(query, other))


def test_rows_of_padding_give_zeros_and_finite_gradients(query, context, keep):
    layer = CrossAttention()
    layer(query, context)
    inputs = [tf.constant(query), tf.constant(context)]

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        out = layer(*inputs, keep=keep)
        loss = tf.reduce_sum(tf.square(out - 1.0))
    gradients = tape.gradient(loss, [*inputs, *(w.value for w in layer.weights)])

    assert (out.numpy()[3] == 0).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert (gradients[1].numpy()[~keep] == 0).all()
    assert (np.abs(gradients[1].numpy()[:3][keep[:3]]) > 0).all()


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_near_single(query, context, keep, dtype):
    half, single = CrossAttention(2, dtype=dtype), CrossAttention(2)
    out = single(query, context, keep=keep)
    half(query, context)
    half.set_weights(single.get_weights())

    np.testing.assert_allclose(
        np.asarray(half(query, context, keep=keep), "float32"), out, atol=0.05
    )


@pytest.mark.parametrize(
    ("options", "width", "message"),
    [
        ({"num_heads": 0}, 6, "`num_heads` must be a positive integer. Received: num_heads=0"),
        (
            {"num_heads": 4},
            6,
            "`num_heads` must divide the width of the tokens. Received: num_heads=4, width=6",
        ),
        ({}, 5, "`context` must be as wide as `query`. Received: query.shape=.*6.*5"),
    ],
)
def test_argument_out_of_range(options, width, message):
    with pytest.raises(ValueError, match=message):
        CrossAttention(**options).build((None, 3, 6), (None, 5, width))
