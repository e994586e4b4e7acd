import numpy as np
import pytest
import references

from ctrmoe.layers import Tower


@pytest.mark.parametrize("units", [[], [5], [4, 3]], ids=["linear", "one", "two"])
@pytest.mark.parametrize("shape", [(6, 4), (6, 3, 2)], ids=["flat", "tokens"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_equals_the_equation(random, randomize, units, shape, use_bias):
    tower = Tower(units, use_bias=use_bias)
    x = random.normal(size=shape).astype("float32")
    tower.build(shape)
    weights = randomize(tower)

    expected = references.tower(x, weights, len(units))

    np.testing.assert_allclose(tower(x), expected, rtol=1e-4, atol=1e-5)
    assert ("logit_bias" in weights) is use_bias


def test_logit_is_computed_in_float32(random):
    tower = Tower([8], dtype="mixed_float16")
    x = random.normal(size=(3, 4)).astype("float32")

    logit = tower(x)

    hidden = np.asarray(tower.mlp(x))
    assert (hidden.dtype, logit.dtype) == ("float16", "float32")
    kernel = tower.logit.kernel.numpy()
    np.testing.assert_allclose(logit, (hidden.astype("float32") @ kernel)[:, 0], rtol=1e-6)


def test_dropout_is_active_in_training_only(random):
    tower = Tower([16], dropout=0.5)
    x = random.normal(size=(8, 4)).astype("float32")

    np.testing.assert_array_equal(tower(x), tower(x, training=False))
    assert not np.allclose(tower(x, training=True), tower(x))


def test_batch_normalization_takes_the_batch_while_training(random):
    tower = Tower([16], batch_normalization=True)
    x = random.normal(size=(8, 4)).astype("float32")

    assert not np.allclose(tower(x, training=True), tower(x, training=False))


@pytest.mark.parametrize("shape", [(4, None), (None, None, 3), (None,)])
def test_shape_that_cannot_be_flattened(shape):
    with pytest.raises(ValueError, match=r"`Tower` must have static dimensions .*Received: shape="):
        Tower().build(shape)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": [0]}, "`units` must be a positive integer. Received: units=0"),
        ({"dropout": 1.5}, r"`dropout` must lie in \[0, 1\). Received: dropout=1.5"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        Tower(**options)
