import math

import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers import MLP, AutoInt, FeatureEmbedding, Field, Tower

AUTHORS_FLAGS = {
    "scale": True,
    "activation": "relu",
    "use_bias": True,
    "layer_norm": "post_relu",
}


def wave(shape, shift, height):
    """The numbers of the golden cases: `height · sin(0.7 k + shift)` of the k-th entry."""
    return height * np.sin(0.7 * np.arange(math.prod(shape)) + shift).reshape(shape)


def weights(layer, x):
    """The attention of all layers, `[B, layers, H, F, F]`."""
    flows = layer.attention(x)
    assert all(set(flow) == {"fields_to_fields"} for flow in flows)
    return np.stack([flow["fields_to_fields"] for flow in flows], axis=1)


@pytest.fixture
def x(random):
    return random.normal(size=(4, 5, 6)).astype("float32")


# Computed in float64 by a program that shares nothing with ours.
@pytest.mark.parametrize(
    ("scale", "total", "first", "last", "attention"),
    [
        (
            False,
            1.757616,
            [0, 0, 0.02554, 0.08528, 0.104903, 0.07519],
            [0.152058, 0.039025, 0, 0, 0, 0],
            [0.333824, 0.331777, 0.3344],
        ),
        (
            True,
            1.751352,
            [0, 0, 0.025603, 0.085226, 0.104762, 0.075027],
            [0.150762, 0.037941, 0, 0, 0, 0],
            [0.333617, 0.332434, 0.333949],
        ),
    ],
    ids=["unscaled", "scaled"],
)
def test_golden_numbers(variables, scale, total, first, last, attention):
    layer = AutoInt(num_layers=1, num_heads=2, key_dim=3, scale=scale)
    x = wave((2, 3, 4), 0.1, 1.0).astype("float32")
    layer.build(x.shape)
    (block,) = layer.interacting_layers
    for shift, name in enumerate(("query", "key", "value", "residual"), start=1):
        variables(block)[f"{name}_kernel"].assign(wave((4, 6), shift, 0.3))

    out = np.asarray(layer(x))

    assert out.sum() == pytest.approx(total, abs=1e-5)
    np.testing.assert_allclose(out[0, 0], first, atol=1e-6)
    np.testing.assert_allclose(out[1, 2], last, atol=1e-6)
    np.testing.assert_allclose(weights(layer, x)[0, 0, 0, 0], attention, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [{}, {"residual": "auto"}, {"authors_code": True}, {"layer_norm": "pre_relu", "scale": True}],
    ids=["paper", "fuxictr", "authors_code", "pre_relu"],
)
def test_stack_equals_the_equations(x, randomize, options):
    layer = AutoInt(num_layers=3, num_heads=2, key_dim=3, **options)
    layer.build(x.shape)
    flags = AUTHORS_FLAGS if "authors_code" in options else options
    flags = {name: value for name, value in flags.items() if name != "use_bias"}

    out, attention = x.astype("float64"), []
    for block in layer.interacting_layers:
        out, alpha = references.autoint_layer(out, randomize(block), 2, **flags)
        attention.append(alpha)

    np.testing.assert_allclose(layer(x), out, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(weights(layer, x), np.stack(attention, axis=1), atol=1e-4)


def test_authors_code_equals_its_flags(x, randomize):
    preset = AutoInt(num_layers=2, key_dim=3, authors_code=True)
    flags = AutoInt(num_layers=2, key_dim=3, **AUTHORS_FLAGS)
    for layer in (preset, flags):
        layer.build(x.shape)
    randomize(preset)
    flags.set_weights(preset.get_weights())

    np.testing.assert_array_equal(preset(x), flags(x))
    paper = AutoInt(num_layers=2, key_dim=3)
    paper.build(x.shape)
    assert len(preset.weights) > len(paper.weights)


def test_authors_code_takes_its_own_flags():
    layer = AutoInt(authors_code=True, **AUTHORS_FLAGS)

    assert AutoInt.from_config(layer.get_config()).get_config() == layer.get_config()


def test_fields_in_another_order_give_tokens_in_that_order(x):
    layer = AutoInt(num_layers=2, key_dim=3)
    order = [3, 0, 4, 2, 1]

    np.testing.assert_allclose(layer(x[:, order]), np.asarray(layer(x))[:, order], atol=1e-6)


def test_logit_is_invariant_if_the_tower_is_permuted_too(x):
    layer, tower = AutoInt(num_layers=2, key_dim=3), Tower()
    order = [3, 0, 4, 2, 1]
    logit = np.asarray(tower(layer(x)))

    kernel = tower.logit.kernel.numpy().reshape(5, 6)
    tower.logit.kernel.assign(kernel[order].reshape(30, 1))

    np.testing.assert_allclose(tower(layer(x[:, order])), logit, atol=1e-6)


def test_attention_rows_are_distributions(x, randomize):
    layer = AutoInt(num_layers=2, key_dim=3, authors_code=True)
    layer.build(x.shape)
    randomize(layer)

    attention = weights(layer, x)

    assert attention.shape == (4, 2, 2, 5, 5)
    assert attention.min() >= 0
    np.testing.assert_allclose(attention.sum(axis=-1), 1, atol=1e-6)
    assert attention.std() > 0.01


def test_attention_is_uniform_without_queries(x, variables):
    layer = AutoInt(num_layers=1, key_dim=3)
    layer.build(x.shape)
    variables(layer.interacting_layers[0])["query_kernel"].assign(np.zeros((6, 6)))

    np.testing.assert_allclose(weights(layer, x), np.full((4, 1, 2, 5, 5), 1 / 5), atol=1e-7)


def test_attention_is_uniform_over_identical_fields(x):
    layer = AutoInt(num_layers=2, key_dim=3)
    layer.build(x.shape)

    attention = weights(layer, np.repeat(x[:, :1], 5, axis=1))

    np.testing.assert_allclose(attention, np.full((4, 2, 2, 5, 5), 1 / 5), atol=1e-6)


def test_scale_divides_the_query_by_the_root_of_the_key_dim(x, variables):
    plain, scaled = (AutoInt(num_layers=2, key_dim=3, scale=scale) for scale in (False, True))
    for layer in (plain, scaled):
        layer.build(x.shape)
    scaled.set_weights(plain.get_weights())
    assert not np.allclose(plain(x), scaled(x), atol=1e-5)

    for block in plain.interacting_layers:
        query = variables(block)["query_kernel"]
        query.assign(query / math.sqrt(3))

    np.testing.assert_allclose(plain(x), scaled(x), atol=1e-6)


@pytest.mark.parametrize("residual", [None, "auto", "projection"])
def test_output_is_not_negative(x, residual):
    out = np.asarray(AutoInt(num_layers=2, key_dim=3, residual=residual)(x))

    assert out.min() == 0
    assert out.max() > 0


def test_query_and_residual_start_from_different_weights(x):
    layer = AutoInt(num_layers=2, key_dim=3)
    layer.build(x.shape)

    drawn = [weight.numpy().ravel() for weight in layer.weights]

    assert all(not np.array_equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])


def test_deterministic_without_dropout(x):
    layer = AutoInt(num_layers=2, key_dim=3)

    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=True))
    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))


def test_dropout_is_active_in_training_only(x):
    layer = AutoInt(num_layers=2, key_dim=3, dropout=0.5)

    np.testing.assert_array_equal(layer(x), layer(x, training=False))
    assert not np.allclose(layer(x, training=True), layer(x, training=False))
    assert not np.allclose(layer(x, training=True), layer(x, training=True))


def categorical(sizes):
    return [
        Field(name=f"field_{i}", kind="categorical", vocabulary_size=size)
        for i, size in enumerate(sizes)
    ]


def count_trainable(fields, embedding_dim, interaction, units=(), **mlp):
    """Trainable parameters of embedding, interaction, linear tower and, with `units`, an MLP."""
    tokens = FeatureEmbedding(fields, embedding_dim)
    parts = [tokens, interaction, Tower()]
    x = tokens({"ids": np.ones((1, len(fields)), "int32")})
    parts[2](interaction(x))
    if units:
        parts += [MLP(units, **mlp), Tower()]
        parts[4](parts[3](keras.ops.reshape(x, (1, -1))))
    return sum(math.prod(w.shape) for part in parts for w in part.trainable_weights)


@pytest.mark.parametrize(("residual", "count"), [("projection", 3_441), ("auto", 2_929)])
def test_parameters_of_a_small_model(residual, count):
    interaction = AutoInt(num_layers=3, num_heads=2, key_dim=8, residual=residual)

    assert count_trainable(categorical([20] * 5), 8, interaction) == count


# The parameters that BARS logs for FuxiCTR's models on Frappe: 5 389 values in ten fields.
def test_parameters_of_bars_frappe_autoint():
    interaction = AutoInt(num_layers=6, num_heads=4, key_dim=32, residual="auto")

    assert count_trainable(categorical([539] * 9 + [538]), 10, interaction) == 306_051


def test_parameters_of_bars_frappe_autoint_plus():
    interaction = AutoInt(
        num_layers=5, num_heads=4, key_dim=32, residual="auto", layer_norm="pre_relu", scale=True
    )

    count = count_trainable(
        categorical([539] * 9 + [538]), 10, interaction, [400] * 3, batch_normalization=True
    )

    # Our hidden layers leave out the three biases that their normalisation cancels.
    assert count == 622_180 - 3 * 400


def test_gradient_reaches_every_kernel_and_the_active_rows_only():
    fields = categorical([8, 6])
    embedding, layer, tower = FeatureEmbedding(fields, 4), AutoInt(num_layers=2, key_dim=3), Tower()
    inputs = {"ids": np.array([[3, 4], [5, 4]], "int32")}
    tower(layer(embedding(inputs)))
    weights = [w for part in (embedding, layer, tower) for w in part.trainable_weights]

    with tf.GradientTape() as tape:
        loss = keras.ops.sum(keras.ops.square(tower(layer(embedding(inputs))) - 1.0))
    gradients = tape.gradient(loss, [weight.value for weight in weights])

    assert isinstance(gradients[0], tf.IndexedSlices)
    table = tf.convert_to_tensor(gradients[0]).numpy()
    assert np.flatnonzero(np.abs(table).sum(axis=1)).tolist() == [3, 5, 8 + 4]
    assert all(np.abs(gradient).sum() > 0 for gradient in gradients[1:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_layers": 0}, r"`num_layers` must be a positive integer. Received: num_layers=0"),
        ({"num_heads": -1}, r"`num_heads` must be a positive integer. Received: num_heads=-1"),
        ({"key_dim": 0}, r"`key_dim` must be a positive integer. Received: key_dim=0"),
        ({"dropout": 1.0}, r"`dropout` must lie in \[0, 1\). Received: dropout=1.0"),
        ({"layer_norm": True}, r"`layer_norm` must be one of None, 'pre_relu', 'post_relu'"),
        ({"residual": "none"}, r"`residual` must be one of None, 'auto', 'projection'"),
        (
            {"authors_code": True, "layer_norm": "pre_relu"},
            r"`layer_norm` must be 'post_relu' or left out with `authors_code`. "
            r"Received: layer_norm='pre_relu'",
        ),
        (
            {"authors_code": True, "activation": "tanh"},
            r"`activation` must be 'relu' or left out with `authors_code`",
        ),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        AutoInt(**options)
