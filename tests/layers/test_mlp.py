import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers import MLP


@pytest.fixture
def x(random):
    return random.normal(size=(6, 4)).astype("float32")


@pytest.mark.parametrize("units", [[5], [5, 3], [2, 7, 1]])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_equals_the_equation(x, randomize, units, activation):
    layer = MLP(units, activation=activation)
    layer.build(x.shape)

    expected = references.mlp(x, randomize(layer), len(units), activation)

    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_other_axes_are_rows(x):
    layer = MLP([5, 3])

    matrix = np.asarray(layer(x))

    np.testing.assert_allclose(layer(x.reshape(2, 3, 4)), matrix.reshape(2, 3, 3), rtol=1e-6)


def test_batch_normalization_comes_before_the_activation(x, randomize):
    layer = MLP([3], batch_normalization=True)
    layer.build(x.shape)
    weights = randomize(layer)
    (norm,) = layer.norm_layers
    norm.moving_variance.assign([0.5, 1.0, 2.0])
    gamma, beta, mean = (w.numpy() for w in (norm.gamma, norm.beta, norm.moving_mean))
    kernel = weights["dense_0_kernel"]
    sums = np.array([references.dense(row, kernel) for row in x])

    def expected(mean, variance):
        return np.maximum(references.standardised(sums, mean, variance, gamma, beta, 1e-3), 0)

    np.testing.assert_allclose(
        layer(x), expected(mean, np.array([0.5, 1.0, 2.0])), rtol=1e-4, atol=1e-5
    )
    np.testing.assert_allclose(
        layer(x, training=True), expected(sums.mean(axis=0), sums.var(axis=0)), rtol=1e-4, atol=1e-5
    )


def test_batch_normalization_replaces_the_bias():
    plain, normalized = MLP([5, 3]), MLP([5, 3], batch_normalization=True)
    for layer in (plain, normalized):
        layer.build((None, 4))

    assert plain.count_params() == 4 * 5 + 5 + 5 * 3 + 3
    assert sum(w.value.shape.num_elements() for w in normalized.trainable_weights) == (
        4 * 5 + 2 * 5 + 5 * 3 + 2 * 3
    )
    assert [w.path.split("/")[-1] for w in normalized.non_trainable_weights].count(
        "moving_mean"
    ) == 2


def test_dropout_follows_every_layer_while_training():
    layer = MLP([50, 4_000], activation="linear", dropout=0.25, kernel_initializer="ones")
    x = np.ones((1, 1), "float32")

    dropped = np.asarray(layer(x, training=True))[0]

    np.testing.assert_array_equal(layer(x), np.full((1, 4_000), 50.0))
    # After the first layer some of 50 ones are left, each as 4/3; after the second, 3/4 of those.
    kept = dropped[dropped > 0]
    survivors = kept / (4 / 3) ** 2
    np.testing.assert_allclose(survivors, np.round(survivors[0]), rtol=1e-5)
    assert 0 < round(survivors[0]) < 50
    assert len(kept) / len(dropped) == pytest.approx(0.75, abs=0.04)


def test_deterministic_without_dropout(x):
    layer = MLP([5, 3])

    np.testing.assert_array_equal(layer(x, training=True), layer(x, training=False))


def test_one_initializer_draws_a_kernel_for_each_layer():
    layer = MLP([4, 4], kernel_initializer=keras.initializers.RandomNormal())
    layer.build((None, 4))

    first, second = (dense.kernel.numpy() for dense in layer.dense_layers)

    assert not np.array_equal(first, second)


def test_gradient_reaches_every_weight(x):
    layer = MLP([5, 3], activation="tanh", batch_normalization=True)

    with tf.GradientTape() as tape:
        total = keras.ops.sum(layer(x, training=True) ** 3)
    gradients = tape.gradient(total, [w.value for w in layer.trainable_weights])

    assert len(gradients) == 6
    assert all(np.abs(gradient).sum() > 0 for gradient in gradients)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": []}, r"`units` must name at least one width. Received: units=\[\]"),
        ({"units": [4, 0]}, "`units` must be a positive integer. Received: units=0"),
        ({"units": [4.0]}, "`units` must be a positive integer. Received: units=4.0"),
        ({"units": [4], "dropout": 1}, r"`dropout` must lie in \[0, 1\). Received: dropout=1"),
        ({"units": [4], "dropout": -0.1}, r"`dropout` must lie in \[0, 1\)"),
        (
            {"units": [4], "dropout": True},
            r"`dropout` must lie in \[0, 1\). Received: dropout=True",
        ),
        ({"units": [4], "activation": "rely"}, "rely"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        MLP(**options)
