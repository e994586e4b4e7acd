import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.interactions.convolution_block import ConvolutionBlock

ROWS, DIM, FIELDS, CHANNELS = 3, 2, 5, 2


@pytest.fixture
def maps(random):
    return random.normal(size=(ROWS, DIM, FIELDS, CHANNELS)).astype("float32")


@pytest.fixture
def expected(variables, randomize):
    """Returns a function that gives the reference's results with weights drawn anew."""

    def compute(layer, maps, **options):
        weights = randomize(layer)
        _, dim, pooled, filters = layer.compute_output_shape(maps.shape)[0]
        rows = weights["recombination_kernel_0"].reshape(dim, pooled, filters, -1)
        rows = rows.transpose(1, 0, 2, 3).reshape(dim * pooled * filters, -1)
        pooled, new = references.fgcnn_block(
            maps.transpose(0, 2, 1, 3),
            weights["kernel"],
            (rows, weights["recombination_bias"]),
            bias=weights.get("bias"),
            **options,
        )
        return pooled.transpose(0, 2, 1, 3), new

    return compute


@pytest.mark.parametrize("padding", ["bottom", "same"])
@pytest.mark.parametrize("pooling", ["ceil", "floor"])
@pytest.mark.parametrize(
    ("kernel_size", "pool_size", "use_bias"),
    [(3, 2, False), (2, 2, True), (4, 1, False), (1, 3, True), (7, 4, False)],
)
def test_equals_the_equations(maps, expected, padding, pooling, kernel_size, pool_size, use_bias):
    options = {"padding": padding, "pooling": pooling, "pool_size": pool_size}
    layer = ConvolutionBlock(3, kernel_size, 2, use_bias=use_bias, **options)
    layer.build(maps.shape)

    pooled, new = expected(layer, maps, **options)

    for ours, reference in zip(layer(maps), (pooled, new), strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pooling", ["ceil", "floor"])
@pytest.mark.parametrize("pool_size", [1, 2, 3])
def test_normalization_that_changes_nothing_gives_the_plain_maps(maps, pooling, pool_size):
    options = {"pooling": pooling, "pool_size": pool_size}
    plain, normalized = (
        ConvolutionBlock(3, 3, 2, batch_normalization=flag, **options) for flag in (False, True)
    )
    for layer in (plain, normalized):
        layer.build(maps.shape)
    normalized.kernel.assign(plain.kernel)
    normalized.recombination_kernels[0].assign(plain.recombination_kernels[0])
    normalized.norm.moving_variance.assign(np.full(3, 1 - normalized.norm.epsilon))

    for ours, other in zip(normalized(maps), plain(maps), strict=True):
        np.testing.assert_allclose(ours, other, atol=1e-5)


def test_normalization_is_of_each_map_and_comes_before_the_maximum(maps, random):
    layer = ConvolutionBlock(3, 1, 1, batch_normalization=True)
    layer.build(maps.shape)
    gamma = np.array([1.5, -0.7, 0.2])
    layer.norm.gamma.assign(gamma)
    products = maps.astype("float64") @ layer.kernel.numpy()[0]

    normal = references.standardised(
        products, products.mean(axis=(0, 1, 2)), products.var(axis=(0, 1, 2)), gamma, 0.0, 1e-3
    )

    windows = [normal[:, :, i : i + 2].max(axis=2) for i in (0, 2, 4)]
    pooled, _ = layer(maps, training=True)
    np.testing.assert_allclose(pooled, np.tanh(np.stack(windows, axis=2)), atol=1e-5)


@pytest.mark.parametrize("pool_size", [1, 2, 3])
def test_gradient_equals_differences(maps, pool_size):
    layer = ConvolutionBlock(3, 3, 2, pool_size=pool_size, use_bias=True, dtype="float64")
    maps = tf.constant(maps, "float64")
    layer.build(maps.shape)

    analytic, numeric = tf.test.compute_gradient(lambda x: layer(x)[1], [maps])

    np.testing.assert_allclose(analytic[0], numeric[0], rtol=1e-4, atol=1e-5)

    def of_kernel(kernel):
        with keras.StatelessScope(state_mapping=[(layer.kernel, kernel)]):
            return layer(maps)[1]

    analytic, numeric = tf.test.compute_gradient(of_kernel, [layer.kernel.value])
    np.testing.assert_allclose(analytic[0], numeric[0], rtol=1e-4, atol=1e-5)


def test_recombination_of_a_rank_is_one_with_the_product_of_its_matrices(maps, randomize):
    full, factored = (ConvolutionBlock(3, 3, 2, recombination_rank=rank) for rank in (None, 4))
    for layer in (full, factored):
        layer.build(maps.shape)
    weights = randomize(factored)
    left, right = weights["recombination_kernel_0"], weights["recombination_kernel_1"]
    full.set_weights([weights["kernel"], left @ right, weights["recombination_bias"]])

    assert (left.shape, right.shape) == ((18, 4), (4, 12))
    for ours, other in zip(factored(maps), full(maps), strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-4, atol=1e-5)


def test_columns_of_the_embedding_do_not_mix_in_the_maps(maps):
    layer = ConvolutionBlock(3, 3, 2)

    pooled, new = layer(maps)
    swapped, other = layer(maps[:, ::-1])

    np.testing.assert_allclose(swapped, np.asarray(pooled)[:, ::-1], atol=1e-6)
    assert not np.allclose(other, np.asarray(new)[:, :, ::-1], atol=1e-3)


def test_paddings_are_the_same_for_a_kernel_of_one_field(maps):
    bottom, same = (ConvolutionBlock(3, 1, 2, padding=padding) for padding in ("bottom", "same"))
    for layer in (bottom, same):
        layer.build(maps.shape)
    same.set_weights(bottom.get_weights())

    np.testing.assert_array_equal(bottom(maps)[0], same(maps)[0])


def test_pooling_of_equal_fields_is_one_of_them(maps):
    equal = np.repeat(maps[:, :, :1], FIELDS, axis=2)
    layer = ConvolutionBlock(3, 1, 2)

    pooled = np.asarray(layer(equal)[0])

    np.testing.assert_allclose(pooled, np.repeat(pooled[:, :, :1], 3, axis=2), atol=1e-6)
    np.testing.assert_allclose(pooled[:, :, 0], np.tanh(maps[:, :, 0] @ layer.kernel[0]), atol=1e-5)


@pytest.mark.parametrize("batch_normalization", [False, True])
def test_save_and_load(maps, tmp_path, batch_normalization):
    tokens = keras.Input(maps.shape[1:])
    layer = ConvolutionBlock(3, 3, 2, use_bias=True, batch_normalization=batch_normalization)
    model = keras.Model(tokens, layer(tokens))
    for weight in model.trainable_weights:
        weight.assign(1.5 * weight + 0.1)

    model.save(tmp_path / "model.keras")

    reloaded = keras.models.load_model(tmp_path / "model.keras")
    for ours, other in zip(model(maps), reloaded(maps), strict=True):
        np.testing.assert_array_equal(ours, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": 0}, "`filters` must be a positive integer. Received: filters=0"),
        ({"kernel_size": 0}, "`kernel_size` must be a positive integer"),
        ({"new_maps": 1.0}, "`new_maps` must be a positive integer. Received: new_maps=1.0"),
        ({"pool_size": 0}, "`pool_size` must be a positive integer"),
        ({"recombination_rank": 0}, "`recombination_rank` must be a positive integer"),
        ({"pooling": "round"}, "`pooling` must be one of 'ceil', 'floor'"),
        ({"padding": "valid"}, "`padding` must be one of 'bottom', 'same'"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        ConvolutionBlock(**{"filters": 2, "kernel_size": 3, "new_maps": 1, **options})


def test_unknown_number_of_fields():
    with pytest.raises(ValueError, match="`inputs` must have a static number of fields"):
        ConvolutionBlock(2, 3, 1).build((None, 4, None, 1))
