import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.domain_normalization import DomainNormalization

DOMAINS = np.array([0, 2, 2, 0, 3, 2, 0], "int32")  # none of domain 1, one row of domain 3
MOMENTUM = 0.75


@pytest.fixture
def x(random):
    return random.normal(size=(7, 4), loc=2.0, scale=3.0).astype("float32")


@pytest.fixture
def layer(x, randomize):
    """Weights that are not their first, positive where they are variances and counts."""
    layer = DomainNormalization(4, momentum=MOMENTUM)
    layer.build(x.shape)
    randomize(layer)
    layer.moving_variance.assign(np.square(layer.moving_variance) + 0.5)
    layer.batches.assign(np.full((4, 1), 9.0))
    return layer


def states(layer):
    weights = (layer.moving_mean, layer.moving_variance, layer.batches)
    return [weight.numpy().copy() for weight in weights]


@pytest.mark.parametrize("training", [True, False])
def test_equals_the_equations(layer, x, variables, training):
    weights = {name: w.numpy().astype("float64") for name, w in variables(layer).items()}

    result = layer(x, DOMAINS, training=training)

    expected = references.domain_normalization(x.astype("float64"), DOMAINS, weights, training)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_batch_of_a_domain_has_mean_0_and_variance_1_at_first(x):
    layer = DomainNormalization(4)

    result = layer(x, DOMAINS, training=True).numpy()

    for domain in (0, 2):
        own = result[domain == DOMAINS]
        np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(own.var(axis=0), 1, atol=0.02)


def test_moving_statistics_follow_the_batch(layer, x):
    mean, variance, batches = states(layer)

    layer(x, DOMAINS, training=True)

    new_mean, new_variance, new_batches = states(layer)
    own = x[DOMAINS == 2]
    np.testing.assert_allclose(
        new_mean[2], MOMENTUM * mean[2] + (1 - MOMENTUM) * own.mean(axis=0), rtol=1e-5
    )
    np.testing.assert_allclose(
        new_variance[2],
        MOMENTUM * variance[2] + (1 - MOMENTUM) * own.var(axis=0, ddof=1),
        rtol=1e-5,
    )
    np.testing.assert_array_equal((new_batches - batches)[:, 0], [1, 0, 1, 1])


def test_domain_without_a_row_keeps_its_statistics(layer, x):
    before = states(layer)

    layer(x, DOMAINS, training=True)

    for old, new in zip(before, states(layer), strict=True):
        np.testing.assert_array_equal(new[1], old[1])
        assert np.abs(new[0] - old[0]).max() > 0


def test_one_row_alone_is_normalised_as_at_inference_and_learnt_from(layer, x):
    served = layer(x, DOMAINS).numpy()[DOMAINS == 3]
    mean, variance, _ = states(layer)

    result = layer(x, DOMAINS, training=True).numpy()

    np.testing.assert_allclose(result[DOMAINS == 3], served, atol=1e-6)
    new_mean, new_variance, _ = states(layer)
    (own,) = x[DOMAINS == 3]
    np.testing.assert_allclose(
        new_mean[3], MOMENTUM * mean[3] + (1 - MOMENTUM) * own, rtol=1e-5, atol=1e-6
    )
    distance = np.square(own - mean[3])
    np.testing.assert_allclose(
        new_variance[3], MOMENTUM * variance[3] + (1 - MOMENTUM) * distance, rtol=1e-5
    )


def test_statistics_of_a_rare_domain_are_those_of_its_rows_after_few_batches(random):
    layer = DomainNormalization(2)

    for rows in (1, 2, 1, 3, 2, 1, 2, 3, 1, 2) * 8:
        x = random.normal(size=(rows, 300), loc=5.0, scale=2.0).astype("float32")
        layer(x, np.ones(rows, "int32"), training=True)

    assert layer.moving_mean.numpy()[1].mean() == pytest.approx(5, rel=0.05)
    assert layer.moving_variance.numpy()[1].mean() == pytest.approx(4, rel=0.2)


def test_domain_that_was_never_seen_is_left_as_it_is(x):
    layer = DomainNormalization(4, epsilon=1e-6)
    layer(x, DOMAINS, training=True)

    np.testing.assert_allclose(layer(x, np.ones(7, "int32")), x, rtol=1e-5)


def test_inference_moves_nothing_and_a_row_is_its_own(layer, x):
    before = states(layer)

    together = layer(x, DOMAINS)

    for row in range(len(x)):
        alone = layer(x[row : row + 1], DOMAINS[row : row + 1])
        np.testing.assert_allclose(alone[0], together[row], atol=1e-6)
    for old, new in zip(before, states(layer), strict=True):
        np.testing.assert_array_equal(new, old)


def test_a_frozen_layer_works_as_at_inference(layer, x):
    before = states(layer)
    expected = layer(x, DOMAINS)

    layer.trainable = False

    np.testing.assert_array_equal(layer(x, DOMAINS, training=True), expected)
    for old, new in zip(before, states(layer), strict=True):
        np.testing.assert_array_equal(new, old)


def test_gradient_is_that_of_the_equations(layer, x, variables):
    weights = {name: w.numpy().astype("float64") for name, w in variables(layer).items()}
    x = x.astype("float64")

    def loss(values):
        result = references.domain_normalization(values, DOMAINS, weights)
        return np.sum(result * np.sin(np.arange(28).reshape(7, 4)))

    value = tf.constant(x, "float32")
    with tf.GradientTape() as tape:
        tape.watch(value)
        result = layer(value, DOMAINS, training=True)
        total = tf.reduce_sum(result * np.sin(np.arange(28, dtype="float32").reshape(7, 4)))
    gradient = tape.gradient(total, value)

    for row, column in np.ndindex(*x.shape):
        change = np.zeros_like(x)
        change[row, column] = 1e-4
        expected = (loss(x + change) - loss(x - change)) / 2e-4
        np.testing.assert_allclose(gradient[row, column], expected, rtol=1e-3, atol=1e-4)


def test_half_precision_is_computed_in_float32(x):
    layer = DomainNormalization(4, dtype="mixed_float16")
    large = (3e4 + 100 * x).astype("float16")  # its squares are beyond float16

    result = layer(large, DOMAINS, training=True)

    assert result.dtype == "float16"
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    own = result.numpy()[DOMAINS == 0].astype("float32")
    np.testing.assert_allclose(own.std(axis=0), 1, atol=0.02)


def test_number_of_weights(x):
    layer = DomainNormalization(5)
    layer.build(x.shape)

    assert sum(int(np.prod(w.shape)) for w in layer.trainable_weights) == 2 * (5 + 1) * 4
    assert sum(int(np.prod(w.shape)) for w in layer.non_trainable_weights) == 5 * (2 * 4 + 1)


def test_fit_compiled_and_not_leaves_the_same_statistics(x):
    left = []
    for jit in (False, True):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((4,)), keras.Input((), dtype="int32")
        layer = DomainNormalization(4)
        model = keras.Model(inputs, keras.layers.Dense(1)(layer(*inputs)))
        model.compile("sgd", "mse", jit_compile=jit)
        model.fit((x, DOMAINS), np.ones((7, 1)), batch_size=4, epochs=2, shuffle=False, verbose=0)
        left.append(states(layer))

    for plain, compiled in zip(*left, strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=1e-5)


@pytest.mark.slow
def test_states_on_two_devices_are_the_mean_over_them():
    command = [sys.executable, str(Path(__file__).parent / "mirrored_normalization.py")]

    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert [float(number) for number in printed.split()] == pytest.approx([1.25, 0.5, 0.0, 1.5])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_domains": 0}, "`num_domains` must be a positive integer"),
        ({"num_domains": 2, "momentum": 1.0}, r"`momentum` must lie in \[0, 1\)"),
        ({"num_domains": 2, "epsilon": 0.0}, "`epsilon` must be a positive number"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        DomainNormalization(**options)
