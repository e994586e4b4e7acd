"""What every pooling keeps."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers import pooling
from ctrmoe.layers.pooling import POOLINGS
from ctrmoe.layers.registry import constructor_parameters, create

ROWS, LENGTH, DIM = 6, 5, 4
COUNTS = [5, 3, 0, 1, 0, 4]  # tokens of each row; the rest is padding
KEEP = np.array([np.arange(LENGTH) < count for count in COUNTS])
CASES = {
    "mean": [{}],
    "self_attention": [{}, {"num_heads": 2}],
    "target_attention": [
        {},
        {"units": [6, 3], "activation": "prelu", "softmax": True},
        {"units": [5], "activation": "tanh"},
    ],
}
PARTS = {"dice", "pooling"}  # files of parts, and of the base


@keras.saving.register_keras_serializable(package="tests")
class PoolingModel(keras.Model):
    """A model that builds its layer itself: reloading takes the layer's own `build`."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape[0], input_shape[2])

    def call(self, inputs, training=None):
        return self.layer(*inputs, training=training)

    def get_config(self):
        return {**super().get_config(), "layer": keras.layers.serialize(self.layer)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "layer": keras.layers.deserialize(config["layer"])})


@pytest.fixture(
    params=[(kind, options) for kind, cases in CASES.items() for options in cases], ids=str
)
def case(request):
    """Kind and options."""
    return request.param


@pytest.fixture
def layer(case):
    kind, options = case
    return create(POOLINGS, kind, **options)


@pytest.fixture
def sequence(random):
    return random.normal(size=(ROWS, LENGTH, DIM)).astype("float32")


@pytest.fixture
def query(random):
    return random.normal(size=(ROWS, DIM)).astype("float32")


def test_registry_and_files_and_cases_agree():
    files = {path.stem for path in Path(pooling.__file__).parent.glob("*.py")}

    assert set(POOLINGS) == set(CASES) == files - PARTS - {"__init__"}


def test_rows_of_padding_are_exactly_zero(layer, sequence, query):
    for training in (False, True):
        out = np.asarray(layer(sequence, KEEP, query, training=training))
        assert (out[[2, 4]] == 0).all()
        assert np.isfinite(out).all() and (np.abs(out[[0, 1, 3, 5]]) > 0).all()


def test_every_gradient_is_finite_and_every_weight_gets_one(layer, sequence, query):
    layer(sequence, KEEP, query)
    inputs = [tf.constant(sequence), tf.constant(query)]
    weights = layer.trainable_weights

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        out = layer(inputs[0], KEEP, inputs[1], training=True)
        loss = tf.reduce_sum((out - 1.0) ** 2)
    of_sequence, of_query, *of_weights = tape.gradient(
        loss, [*inputs, *(weight.value for weight in weights)]
    )

    assert np.isfinite(of_sequence).all()
    assert (of_sequence.numpy()[~KEEP] == 0).all()
    assert (np.abs(of_sequence.numpy()[KEEP]).sum(axis=1) > 0).all()
    assert of_query is None or np.isfinite(of_query).all()
    for weight, gradient in zip(weights, of_weights, strict=True):
        assert np.isfinite(gradient).all() and np.abs(gradient).sum() > 0, weight.path


def test_batch_of_padding_alone_is_finite(layer, sequence, query):
    layer(sequence, KEEP, query)
    empty = np.zeros_like(KEEP)

    with tf.GradientTape() as tape:
        out = layer(sequence, empty, query, training=True)
        loss = tf.reduce_sum((out - 1.0) ** 2)
    gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    assert (np.asarray(out) == 0).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert np.isfinite(layer(sequence, KEEP, query)).all()


@pytest.mark.parametrize("training", [False, True])
def test_what_padding_holds_changes_nothing(layer, sequence, query, training):
    other = np.where(KEEP[:, :, None], sequence, np.nan)
    layer(sequence, KEEP, query)

    np.testing.assert_array_equal(
        layer(sequence, KEEP, query, training=training),
        layer(other, KEEP, query, training=training),
    )


@pytest.mark.parametrize("training", [False, True])
def test_longer_padding_changes_nothing(layer, sequence, query, training):
    longer = np.pad(sequence, ((0, 0), (0, 3), (0, 0)), constant_values=9)
    padded = np.pad(KEEP, ((0, 0), (0, 3)))
    layer(sequence, KEEP, query)

    np.testing.assert_allclose(
        layer(sequence, KEEP, query, training=training),
        layer(longer, padded, query, training=training),
        atol=1e-5,
    )


def test_row_alone_is_the_row_in_a_batch(layer, sequence, query):
    layer(sequence, KEEP, query, training=True)
    batch = np.asarray(layer(sequence, KEEP, query))

    alone = [layer(sequence[i : i + 1], KEEP[i : i + 1], query[i : i + 1]) for i in range(ROWS)]

    np.testing.assert_allclose(np.concatenate(alone), batch, atol=1e-6)


def test_order_does_not_count(layer, sequence, query):
    np.testing.assert_allclose(
        layer(sequence[:, ::-1], KEEP[:, ::-1], query), layer(sequence, KEEP, query), atol=1e-5
    )


def test_length_and_batch_size_may_be_unknown(layer, sequence, query):
    specs = [(None, None, DIM), (None, None), (None, DIM)]
    dtypes = tf.float32, tf.bool, tf.float32
    signature = [tf.TensorSpec(*pair) for pair in zip(specs, dtypes, strict=True)]
    graph = tf.function(layer, input_signature=signature)

    expected = layer(sequence, KEEP, query)

    np.testing.assert_allclose(graph(sequence, KEEP, query), expected, atol=1e-6)
    np.testing.assert_allclose(
        graph(sequence[3:4, :2], KEEP[3:4, :2], query[3:4]), expected[3:4], atol=1e-6
    )


def test_functional_model_declares_the_real_shape(layer, sequence, query):
    inputs = (
        keras.Input((LENGTH, DIM)),
        keras.Input((LENGTH,), dtype="bool"),
        keras.Input((DIM,)),
    )
    out = layer(*inputs)

    assert out.shape == (None, DIM)
    model = keras.Model(inputs, out)
    np.testing.assert_array_equal(model((sequence, KEEP, query)), layer(sequence, KEEP, query))


def test_finite_in_half_precision(case, sequence, query):
    kind, options = case
    layer = create(POOLINGS, kind, **options, dtype="mixed_float16")

    out = np.asarray(layer(10 * sequence, KEEP, query, training=True))

    assert out.dtype == "float16" and np.isfinite(out).all()
    assert (out[[2, 4]] == 0).all()


def test_config_round_trip(case, sequence, query):
    kind, options = case
    layer = create(POOLINGS, kind, **options, dtype="mixed_float16", name="part")
    layer(sequence, KEEP, query)

    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    copy(sequence, KEEP, query)
    copy.set_weights(layer.get_weights())

    assert copy.get_config() == layer.get_config()
    assert set(constructor_parameters(type(layer))) - {"kwargs"} <= set(layer.get_config())
    assert (copy.name, copy.dtype_policy.name) == ("part", "mixed_float16")
    np.testing.assert_array_equal(copy(sequence, KEEP, query), layer(sequence, KEEP, query))


def test_save_and_load_in_a_model_that_builds_itself(layer, sequence, query, tmp_path):
    model, inputs = PoolingModel(layer), (sequence, KEEP, query)
    model(inputs)
    for weight in model.trainable_weights:
        weight.assign(1.5 * weight + 0.1)
    before = model(inputs)

    model.save(tmp_path / "model.keras")

    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), before)
