import math

import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers import FeatureEmbedding, Field
from ctrmoe.layers.classifiers.ipnn import inner_products
from ctrmoe.layers.interactions.fgcnn import FGCNN

SMALL = {"filters": [3, 4], "kernel_size": 3, "new_maps": [2, 1]}


def wave(shape, shift, height):
    """The numbers of the golden cases: `height · sin(0.7 k + shift)` of the k-th entry."""
    return height * np.sin(0.7 * np.arange(math.prod(shape)) + shift).reshape(shape)


def by_column(kernel, pooled, dim):
    """Rows of W_R by column, field and map, of rows by field, column and map."""
    rows = kernel.reshape(pooled, dim, -1, kernel.shape[1])
    return rows.transpose(1, 0, 2, 3).reshape(kernel.shape)


@pytest.fixture
def x(random):
    return random.normal(size=(4, 7, 3)).astype("float32")


def golden_case(**options):
    """The layer of the golden cases and its tokens."""
    layer = FGCNN(filters=[2], kernel_size=3, new_maps=2, **options)
    x = wave((2, 5, 4), 0.2, 1.0).astype("float32")
    layer.build(x.shape)
    (block,) = layer.blocks
    width = block.recombination_bias.shape[0]
    block.kernel.assign(wave((3, 1, 2), 1.5, 0.3))
    rows = by_column(wave((width, width), 2.5, 0.2), width // 8, 4)
    block.recombination_kernels[0].assign(rows)
    block.recombination_bias.assign(wave((width,), 0.3, 0.1))
    return layer, x


# Computed in float64 by a program that shares nothing with ours.
@pytest.mark.parametrize(
    ("padding", "pooling", "pooled", "sum_of_maps", "sum_of_new", "first"),
    [
        ("same", "ceil", 3, 2.945161, 0.244091, [0.114493, 0.148299, 0.113053, 0.024272]),
        ("same", "floor", 2, 4.945862, 0.09822, [0.06092, 0.116053, 0.116798, 0.062821]),
        ("bottom", "ceil", 3, 4.456905, 0.412628, [0.032436, 0.03787, 0.025503, 0.001133]),
        ("bottom", "floor", 2, 3.151376, 0.134516, [0.078458, 0.096808, 0.069817, 0.00986]),
    ],
)
def test_golden_numbers(padding, pooling, pooled, sum_of_maps, sum_of_new, first):
    layer, x = golden_case(padding=padding, pooling=pooling)

    out = np.asarray(layer(x))

    maps, _ = layer.blocks[0](x.transpose(0, 2, 1)[..., None])
    assert out.shape == (2, 5 + 2 * pooled, 4)
    np.testing.assert_array_equal(out[:, :5], x)
    assert np.sum(maps) == pytest.approx(sum_of_maps, abs=1e-5)
    assert out[:, 5:].sum() == pytest.approx(sum_of_new, abs=1e-5)
    np.testing.assert_allclose(out[0, 5], first, atol=1e-6)


def test_golden_number_of_the_products_of_raw_and_generated_fields():
    layer, x = golden_case(padding="bottom", pooling="floor")

    tokens = np.asarray(layer(x))

    products = np.asarray(inner_products(tokens))
    assert products.shape == (2, 36)
    assert products.sum() == pytest.approx(-9.23933, abs=1e-4)


@pytest.mark.parametrize("pooling", ["ceil", "floor"])
def test_blocks_follow_one_another_on_the_pooled_maps(x, randomize, pooling):
    layer = FGCNN(pooling=pooling, **SMALL)
    layer.build(x.shape)
    maps, tokens = x[..., None], [x]

    for block, new_maps in zip(layer.blocks, SMALL["new_maps"], strict=True):
        weights = randomize(block)
        kernel, bias = weights["recombination_kernel_0"], weights["recombination_bias"]
        pooled = kernel.shape[1] // 3 // new_maps
        rows = kernel.reshape(3, pooled, -1, kernel.shape[1]).transpose(1, 0, 2, 3)
        maps, new = references.fgcnn_block(
            maps, weights["kernel"], (rows.reshape(kernel.shape), bias), pooling=pooling
        )
        tokens.append(new)

    np.testing.assert_allclose(layer(x), np.concatenate(tokens, axis=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("fields", "pooling", "generated"),
    [
        (1, "ceil", 4 * [1]),
        (13, "ceil", [7, 4, 2, 1]),
        (39, "ceil", [20, 10, 5, 3]),
        (39, "floor", [19, 9, 4, 2]),
    ],
)
def test_number_of_fields(fields, pooling, generated):
    layer = FGCNN(filters=[2] * 4, new_maps=3, pooling=pooling)

    out = layer(np.ones((2, fields, 4), "float32"))

    assert out.shape == (2, fields + 3 * sum(generated), 4)
    assert layer.compute_output_shape((None, fields, 4)) == (None, *out.shape[1:])


def test_generated_entries_lie_between_minus_one_and_one(x):
    new = np.asarray(FGCNN(**SMALL)(50 * x))[:, 7:]

    assert np.abs(new).max() <= 1
    assert np.abs(new).max() > 0.9


def test_fields_in_another_order_give_other_tokens(x):
    layer = FGCNN(**SMALL)
    order = [3, 0, 4, 2, 1, 6, 5]

    ours, other = np.asarray(layer(x))[:, 7:], np.asarray(layer(x[:, order]))[:, 7:]

    assert np.abs(np.sort(ours, axis=1) - np.sort(other, axis=1)).max() > 0.01


def test_without_blocks_the_tokens_are_returned(x):
    layer = FGCNN(filters=[])

    np.testing.assert_array_equal(layer(x), x)
    assert layer.weights == []


def test_second_input_is_what_fields_are_generated_from(x, random):
    other = random.normal(size=(4, 5, 3)).astype("float32")
    layer = FGCNN(**SMALL)

    out = np.asarray(layer([x, other]))

    np.testing.assert_array_equal(out[:, :7], x)
    np.testing.assert_array_equal(out[:, 7:], np.asarray(layer(other))[:, 5:])
    symbolic = layer([keras.Input((7, 3)), keras.Input((5, 3))])
    assert symbolic.shape == layer.compute_output_shape([(None, 7, 3), (None, 5, 3)])
    assert symbolic.shape == (None, *out.shape[1:])


@pytest.mark.parametrize("part", ["raw", "new"])
def test_each_table_learns_from_its_own_tokens(part):
    fields = [Field(name=f"field_{i}", kind="categorical", vocabulary_size=6) for i in range(4)]
    tables = [FeatureEmbedding(fields, 3) for _ in range(2)]
    inputs = {"ids": np.array([[3, 4, 5, 3]], "int32")}
    layer = FGCNN(**SMALL)
    layer([table(inputs) for table in tables])
    weights = [table.trainable_weights[0].value for table in tables]

    with tf.GradientTape() as tape:
        out = layer([table(inputs) for table in tables])
        total = keras.ops.sum((out[:, :4] if part == "raw" else out[:, 4:]) ** 2)
    raw, generating = (
        0.0 if gradient is None else np.abs(tf.convert_to_tensor(gradient)).sum()
        for gradient in tape.gradient(total, weights)
    )

    assert (raw > 0, generating > 0) == (part == "raw", part == "new")


@pytest.mark.parametrize("pooling", ["ceil", "floor"])
@pytest.mark.parametrize(
    ("options", "of_a_map"), [({}, 0), ({"use_bias": True}, 1), ({"batch_normalization": True}, 2)]
)
def test_number_of_parameters(x, pooling, options, of_a_map):
    layer = FGCNN(pooling=pooling, **options, **SMALL)
    layer.build(x.shape)
    fields, channels, dim, count = 7, 1, 3, 0

    for filters, new_maps in zip([3, 4], [2, 1], strict=True):
        fields = -(-fields // 2) if pooling == "ceil" else fields // 2
        width, units = fields * dim * filters, fields * dim * new_maps
        count += 3 * channels * filters + of_a_map * filters + width * units + units
        channels = filters

    assert sum(math.prod(weight.shape) for weight in layer.trainable_weights) == count


def test_parameters_of_a_small_model():
    layer = FGCNN(filters=[3, 4], kernel_size=3, new_maps=2, use_bias=True)
    layer.build((None, 8, 4))
    tokens = layer.compute_output_shape((None, 8, 4))[1]
    width = tokens * 4 + tokens * (tokens - 1) // 2
    classifier = width * 16 + 16 + 16 * 8 + 8 + 8 + 1

    assert tokens == 20
    assert 2 * 100 * 4 + layer.count_params() + classifier == 7_429


# The parameters that BARS logs for FuxiCTR's model on KKBox: 92 247 values in 13 fields.
def test_parameters_of_bars_kkbox():
    maps = [14, 16, 18, 20]
    layer = FGCNN(filters=maps, kernel_size=7, padding="same", batch_normalization=True)
    shape = (None, 13, 128)
    symbolic = keras.Input(shape[1:])
    tokens = layer.compute_output_shape(shape)[1]
    width = tokens * 128 + tokens * (tokens - 1) // 2
    classifier = width * 1000 + 1000 + 2 * (1000 * 1000 + 1000) + 1000 + 1

    assert tokens == 55
    assert layer(symbolic).shape == (None, 55, 128)
    trainable = sum(math.prod(weight.shape) for weight in layer.trainable_weights)
    # Our convolutions leave out the biases that their normalisation cancels.
    assert 2 * 92_247 * 128 + trainable + classifier == 84_979_183 - sum(maps)


def test_row_does_not_depend_on_other_rows(x):
    layer = FGCNN(batch_normalization=True, **SMALL)

    batch = np.asarray(layer(x))

    alone = np.concatenate([layer(x[i : i + 1]) for i in range(4)])
    np.testing.assert_allclose(alone, batch, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 6),
        ({"recombination_rank": 2}, 8),
        ({"use_bias": True}, 8),
        ({"batch_normalization": True, "use_bias": True}, 10),
    ],
)
def test_gradient_reaches_every_weight(x, options, count):
    layer = FGCNN(**SMALL, **options)
    target = layer(x) + 0.3

    with tf.GradientTape() as tape:
        total = keras.ops.mean((layer(x, training=True) - target) ** 2)
    gradients = tape.gradient(total, [weight.value for weight in layer.trainable_weights])

    assert len(gradients) == count
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).sum() > 1e-6, weight.path


def test_config_round_trip(x):
    layer = FGCNN(pooling="floor", padding="same", recombination_rank=2, **SMALL)

    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    for each in (layer, copy):
        each.build(x.shape)
    copy.set_weights(layer.get_weights())

    assert copy.get_config() == layer.get_config()
    np.testing.assert_array_equal(copy(x), layer(x))


@keras.saving.register_keras_serializable(package="tests")
class TwoTables(keras.Model):
    """A model that builds its layer itself, of one matrix for two kinds of tokens."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.layer = FGCNN(batch_normalization=True, **SMALL)

    def build(self, input_shape):
        self.layer.build([input_shape, input_shape])

    def call(self, inputs):
        return self.layer([inputs, 0.5 * inputs])


def test_save_and_load_in_a_model_that_builds_itself(x, tmp_path):
    model = TwoTables()
    model(x)
    for weight in model.trainable_weights:
        weight.assign(1.5 * weight + 0.1)

    model.save(tmp_path / "model.keras")

    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), model(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": [2, 0]}, "`filters` must be a positive integer. Received: filters=0"),
        (
            {"filters": [2, 2], "kernel_size": [3]},
            r"`kernel_size` must be one integer or one for each of `filters`. "
            r"Received: kernel_size=\[3\], filters=\[2, 2\]",
        ),
        ({"filters": [2], "new_maps": []}, "`new_maps` must be one integer or one for each"),
        ({"kernel_size": 0}, "`kernel_size` must be a positive integer"),
        ({"new_maps": -1}, "`new_maps` must be a positive integer"),
        ({"pool_size": 0}, "`pool_size` must be a positive integer. Received: pool_size=0"),
        ({"pooling": "round"}, "`pooling` must be one of 'ceil', 'floor'"),
        ({"padding": "top"}, "`padding` must be one of 'bottom', 'same'. Received: padding='top'"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        FGCNN(**options)


def test_floor_that_leaves_no_field():
    with pytest.raises(ValueError, match="`pool_size` must leave at least one field.*fields=1"):
        FGCNN(filters=[2] * 4, pooling="floor").build((None, 13, 4))


@pytest.mark.parametrize("shapes", [[(None, 4, 3), (None, 4, 2)], [(None, 4, 3)] * 3])
def test_inputs_that_do_not_fit_each_other(shapes):
    with pytest.raises(ValueError, match="`inputs` must be one tensor, or two.*4, 3.*4, "):
        FGCNN(filters=[2]).build(shapes)
