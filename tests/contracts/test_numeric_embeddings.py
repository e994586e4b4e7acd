"""What every numeric embedding keeps, whichever paper it is from."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers import NUMERIC_EMBEDDINGS, create, numeric
from ctrmoe.layers.registry import constructor_parameters

QUANTILES = [[-2.0, -0.5, 0.0, 0.7, 2.0]] * 3
# No option has its default.
CASES = {
    "autodis": {"num_embeddings": 4, "skip": 0.3, "temperature": 0.5, "initializer": "normal"},
    "bottom_mlp": {
        "units": [5],
        "activation": "tanh",
        "dropout": 0.1,
        "kernel_initializer": "he_normal",
    },
    "linear": {"initializer": "normal"},
    "periodic": {
        "num_frequencies": 4,
        "sigma": 0.5,
        "activation": "tanh",
        "initializer": "normal",
    },
    "piecewise_linear": {
        "quantiles": QUANTILES,
        "num_bins": 4,
        "activation": "tanh",
        "initializer": "normal",
    },
}
PARTS = {"numeric_layer"}
ROWS, DIM = 6, 4


@pytest.fixture(params=CASES)
def kind(request):
    return request.param


@pytest.fixture
def layer(kind):
    return create(NUMERIC_EMBEDDINGS, kind, embedding_dim=DIM, **CASES[kind])


@pytest.fixture
def x():
    numbers = np.random.default_rng(3).normal(size=(ROWS, 3)).astype("float32")
    numbers[1] = numbers[2, 0] = np.nan
    return numbers


def test_declared_shape_and_dtype_are_the_real_ones(layer, x):
    symbolic, out = layer(keras.Input((3,))), layer(x)

    assert symbolic.shape == (None, *out.shape[1:])
    assert symbolic.dtype == out.dtype.name == "float32"
    assert out.shape == (ROWS, out.shape[1], DIM)


def test_row_alone_is_the_row_in_a_batch(layer, x):
    batch = np.asarray(layer(x))

    alone = np.concatenate([layer(x[i : i + 1]) for i in range(ROWS)])

    np.testing.assert_allclose(alone, batch, atol=1e-6)
    assert np.ptp(batch, axis=0).max() > 0.01


def test_missing_number_is_told_from_every_other(layer, x):
    missing = np.asarray(layer(np.where(np.arange(3) == 1, np.nan, x).astype("float32")))

    for number in (0.0, 0.3, -1.0):
        there = np.where(np.arange(3) == 1, number, x).astype("float32")
        assert np.abs(np.asarray(layer(there)) - missing).max() > 1e-4


def test_every_weight_gets_a_finite_gradient(layer, x):
    target = np.random.default_rng(4).normal(size=layer(x).shape).astype("float32")

    with tf.GradientTape() as tape:
        loss = keras.ops.mean((layer(x, training=True) - target) ** 2)
    gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert np.isfinite(gradient).all() and np.abs(gradient).sum() > 0, weight.path


def test_raw_counts_stay_finite_in_half_precision(kind):
    layer = create(
        NUMERIC_EMBEDDINGS, kind, embedding_dim=DIM, **CASES[kind], dtype="mixed_float16"
    )

    out = layer(np.full((2, 3), 1e6, "float32"))

    assert out.dtype == "float32" == layer(keras.Input((3,))).dtype
    assert np.isfinite(out).all()
    assert all(weight.dtype == "float32" for weight in layer.weights if "seed" not in weight.path)


def test_config_round_trip(kind, layer, x):
    layer(x)

    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    copy(x)
    copy.set_weights(layer.get_weights())

    arguments = set(constructor_parameters(type(layer))) - {"kwargs"}
    assert arguments == {"embedding_dim", *CASES[kind]} <= set(layer.get_config())
    assert copy.get_config() == layer.get_config()
    np.testing.assert_array_equal(copy(x), layer(x))


def test_save_and_load_in_a_model_that_builds_itself(layer, x, save_and_load):
    before, after = save_and_load(layer, x)

    np.testing.assert_array_equal(after, before)


def test_registry_files_and_cases_agree(repository):
    files = {path.stem for path in Path(numeric.__file__).parent.glob("*.py")} - {"__init__"}
    mirrors = {path.stem for path in (repository / "tests/layers/numeric").glob("test_*.py")}

    assert set(CASES) == set(NUMERIC_EMBEDDINGS) == files - PARTS
    assert mirrors == {f"test_{name}" for name in files}
    for kind, cls in NUMERIC_EMBEDDINGS.items():
        assert cls.__module__ == f"{numeric.__name__}.{kind}"
