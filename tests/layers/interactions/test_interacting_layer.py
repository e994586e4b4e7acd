import itertools

import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.interactions.interacting_layer import InteractingLayer

FLAGS = [
    {"scale": scale, "layer_norm": layer_norm, "residual": residual, **projections}
    for scale, layer_norm, residual, projections in itertools.product(
        (False, True),
        (None, "pre_relu", "post_relu"),
        (None, "auto", "projection"),
        ({}, {"activation": "relu", "use_bias": True}),
    )
]


def flag_id(flags):
    return "-".join(f"{name}={value}" for name, value in flags.items())


@pytest.mark.parametrize("flags", FLAGS, ids=flag_id)
@pytest.mark.parametrize(
    "width", [2, 4, 6], ids=["narrower_than_a_head", "narrow", "as_wide_as_the_heads"]
)
def test_equals_the_equations(random, randomize, flags, width):
    layer = InteractingLayer(num_heads=2, key_dim=3, **flags)
    x = random.normal(size=(3, 5, width)).astype("float32")
    layer.build(x.shape)
    weights = randomize(layer)

    reference = {name: value for name, value in flags.items() if name != "use_bias"}
    out, attention = references.autoint_layer(x, weights, 2, **reference)

    # 1e-8 under the root of the variance of a nearly constant token amplifies rounding.
    np.testing.assert_allclose(layer(x), out, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(layer.attention(x), attention, atol=1e-5)


@pytest.mark.parametrize("residual", [None, "projection"])
def test_order_of_products_for_narrow_tokens_keeps_the_gradients(random, randomize, residual):
    layer = InteractingLayer(num_heads=2, key_dim=3, scale=True, residual=residual)
    x = tf.Variable(random.normal(size=(3, 5, 2)).astype("float32"))
    layer.build(x.shape)
    randomize(layer)

    gradients = []
    for order in (layer._narrow, layer._wide):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(order(x, None)))
        kernels = [weight.value for weight in layer.trainable_weights]
        gradients.append([loss, *tape.gradient(loss, [x, *kernels])])

    for narrow, wide in zip(*gradients, strict=True):
        np.testing.assert_allclose(narrow, wide, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("width", "residual", "expected"),
    [
        (4, "projection", {"query", "key", "value", "residual"}),
        (6, "projection", {"query", "key", "value", "residual"}),
        (4, "auto", {"query", "key", "value", "residual"}),
        (6, "auto", {"query", "key", "value"}),
        (4, None, {"query", "key", "value"}),
    ],
)
def test_weights_that_exist(variables, width, residual, expected):
    layer = InteractingLayer(2, 3, residual=residual)

    layer.build((None, 5, width))

    assert set(variables(layer)) == {f"{name}_kernel" for name in expected}
    assert {tuple(weight.shape) for weight in layer.weights} == {(width, 6)}


def test_dropout_acts_on_the_attention_while_training(random, variables):
    layer = InteractingLayer(2, 3, dropout=0.5)
    x = random.normal(size=(8, 5, 4)).astype("float32")
    assert not np.allclose(layer(x, training=True), layer(x, training=False))

    variables(layer)["value_kernel"].assign(np.zeros((4, 6)))

    # Without values nothing is left for dropout to act on: W_Res x is outside it.
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))
    assert np.asarray(layer(x)).max() > 0


def test_dropout_keeps_the_mean(random, variables):
    layer = InteractingLayer(1, 4, dropout=0.4, residual=None)
    # Positive values, so that the mean of the ReLU is the ReLU of the mean.
    x = np.broadcast_to(np.abs(random.normal(size=(1, 5, 4))), (20_000, 5, 4)).astype("float32")
    layer.build(x.shape)
    variables(layer)["value_kernel"].assign(np.eye(4))

    dropped = np.asarray(layer(x, training=True))

    assert dropped.std(axis=0).min() > 0.01
    np.testing.assert_allclose(dropped.mean(axis=0), layer(x[:1])[0], rtol=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_heads": 0}, r"`num_heads` must be a positive integer. Received: num_heads=0"),
        ({"num_heads": True}, r"`num_heads` must be a positive integer. Received: num_heads=True"),
        ({"key_dim": 2.0}, r"`key_dim` must be a positive integer. Received: key_dim=2.0"),
        ({"layer_norm": "post"}, r"`layer_norm` must be one of None, 'pre_relu', 'post_relu'"),
        ({"dropout": 1.0}, r"`dropout` must lie in \[0, 1\). Received: dropout=1.0"),
        ({"residual": "identity"}, r"`residual` must be one of None, 'auto', 'projection'"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        InteractingLayer(**{"num_heads": 2, "key_dim": 3, **options})


def test_config_round_trip():
    layer = InteractingLayer(
        2, 3, scale=True, activation="tanh", use_bias=True, layer_norm="pre_relu", dropout=0.1
    )

    copy = keras.layers.deserialize(keras.layers.serialize(layer))

    assert copy.get_config() == layer.get_config()
    assert copy.compute_output_shape((None, 5, 4)) == (None, 5, 6)
