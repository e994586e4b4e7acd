import keras
import numpy as np
import references

from ctrmoe.layers.pooling.dice import Dice


def test_equals_the_equation_with_the_batch_while_training(random):
    x = random.normal(size=(6, 4, 3), loc=1.0).astype("float32")
    keep = random.random((6, 4)) > 0.3
    layer = Dice(epsilon=1e-3)
    layer(x)
    layer.alpha.assign([0.3, -0.2, 0.7])
    alpha = layer.alpha.numpy()

    for mask in (None, keep):
        counted = x if mask is None else x[mask]
        axes = tuple(range(counted.ndim - 1))
        mean, variance = counted.mean(axis=axes), counted.var(axis=axes)
        expected = references.dice(x, alpha, mean, variance, 1e-3)
        np.testing.assert_allclose(layer(x, keep=mask, training=True), expected, atol=1e-4)


def test_moving_averages_make_a_row_independent(random):
    x = random.normal(size=(64, 3), loc=1.0, scale=2.0).astype("float32")
    layer = Dice(epsilon=1e-3, momentum=0.5)
    layer(x)
    layer.alpha.assign([0.3, -0.2, 0.7])
    for _ in range(20):
        layer(x, training=True)

    out = np.asarray(layer(x))

    expected = references.dice(x, layer.alpha.numpy(), x.mean(axis=0), x.var(axis=0), 1e-3)
    np.testing.assert_allclose(out, expected, atol=1e-4)
    np.testing.assert_allclose(layer(x[:1]), out[:1], atol=1e-6)


def test_config_round_trip():
    layer = Dice(epsilon=1e-3, momentum=0.5, name="part")

    copy = keras.layers.deserialize(keras.layers.serialize(layer))

    assert copy.get_config() == layer.get_config()
    assert (copy.epsilon, copy.momentum, copy.norm.epsilon) == (1e-3, 0.5, 1e-3)
