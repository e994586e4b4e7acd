import math

import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.interactions.cin import CIN

CASES = [
    {},
    {"pooled": False},
    {"split_half": True},
    {"pooled": False, "split_half": True, "activation": "relu", "use_bias": True},
]


@pytest.fixture
def x(random):
    return random.normal(size=(4, 5, 3)).astype("float32")


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("units", [[4], [4, 2, 3]])
def test_equals_the_equations(x, randomize, units, options):
    layer = CIN(units, **options)
    layer.build(x.shape)
    flags = {name: value for name, value in options.items() if name != "use_bias"}

    expected = references.cin(x, randomize(layer), units, **flags)

    out = layer(x)
    assert out.shape == layer.compute_output_shape(x.shape)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-4)


def test_pooled_tokens_are_the_sums_of_the_maps(x):
    pooled, maps = CIN([4, 2]), CIN([4, 2], pooled=False)
    for layer in (pooled, maps):
        layer.build(x.shape)
    maps.set_weights(pooled.get_weights())

    np.testing.assert_allclose(
        pooled(x), np.sum(maps(x), axis=2, keepdims=True), rtol=1e-4, atol=1e-5
    )


def test_order_grows_by_one_with_each_layer(x):
    layer = CIN([4, 2], pooled=False)

    once, twice = np.asarray(layer(x)), np.asarray(layer(2 * x))

    np.testing.assert_allclose(twice[:, :4], 4 * once[:, :4], rtol=1e-4)
    np.testing.assert_allclose(twice[:, 4:], 8 * once[:, 4:], rtol=1e-4)


def test_columns_of_the_embedding_do_not_mix(x):
    layer = CIN([4, 2], pooled=False, activation="relu")

    np.testing.assert_allclose(layer(x[:, :, ::-1]), np.asarray(layer(x))[:, :, ::-1], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 25 * 4 + 20 * 6 + 30 * 2),
        ({"split_half": True}, 25 * 4 + 10 * 6 + 15 * 2),
        ({"use_bias": True}, 25 * 4 + 20 * 6 + 30 * 2 + 12),
    ],
)
def test_number_of_parameters(x, options, count):
    layer = CIN([4, 6, 2], **options)
    layer.build(x.shape)

    assert sum(math.prod(weight.shape) for weight in layer.trainable_weights) == count


def test_row_does_not_depend_on_other_rows(x):
    layer = CIN([4, 2], activation="tanh")

    alone = np.concatenate([layer(x[i : i + 1]) for i in range(4)])

    np.testing.assert_allclose(alone, layer(x), atol=1e-6)


@pytest.mark.parametrize("options", CASES)
def test_gradient_reaches_every_weight(x, options):
    layer = CIN([4, 2, 3], **options)
    target = layer(x) + 0.3

    with tf.GradientTape() as tape:
        total = keras.ops.mean((layer(x, training=True) - target) ** 2)
    gradients = tape.gradient(total, [weight.value for weight in layer.trainable_weights])

    assert len(gradients) == (6 if "use_bias" in options else 3)
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).sum() > 1e-6, weight.path


@pytest.mark.parametrize("part", ["tokens", "kernel"])
def test_gradient_equals_differences(x, part):
    layer = CIN([4, 2, 3], split_half=True, activation="tanh", dtype="float64")
    tokens = tf.constant(x, "float64")
    layer.build(x.shape)
    kernel = layer.kernels[1]

    def of_kernel(value):
        with keras.StatelessScope(state_mapping=[(kernel, value)]):
            return layer(tokens)

    function, at = (layer, tokens) if part == "tokens" else (of_kernel, kernel.value)
    analytic, numeric = tf.test.compute_gradient(function, [at])

    np.testing.assert_allclose(analytic[0], numeric[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", CASES)
def test_config_round_trip(x, options):
    layer = CIN([4, 2], **options)

    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    for each in (layer, copy):
        each.build(x.shape)
    copy.set_weights(layer.get_weights())

    assert copy.get_config() == layer.get_config()
    np.testing.assert_array_equal(copy(x), layer(x))


@keras.saving.register_keras_serializable(package="tests")
class ModelWithCIN(keras.Model):
    """A model that builds its layer itself."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layer = CIN([4, 2], use_bias=True)

    def build(self, input_shape):
        self.layer.build(input_shape)

    def call(self, inputs):
        return self.layer(inputs)


def test_save_and_load_in_a_model_that_builds_itself(x, tmp_path):
    model = ModelWithCIN()
    model(x)
    for weight in model.trainable_weights:
        weight.assign(1.5 * weight + 0.1)

    model.save(tmp_path / "model.keras")

    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), model(x))


@pytest.mark.parametrize(
    ("units", "options", "message"),
    [
        ([], {}, r"`units` must name at least one width. Received: units=\[\]"),
        ([4, 0], {}, "`units` must be a positive integer. Received: units=0"),
        (
            [4, 3, 2],
            {"split_half": True},
            r"`units` must be even but for the last with `split_half`. Received: units=\[4, 3, 2\]",
        ),
        ([4], {"activation": "rely"}, "rely"),
    ],
)
def test_argument_out_of_range(units, options, message):
    with pytest.raises(ValueError, match=message):
        CIN(units, **options)
