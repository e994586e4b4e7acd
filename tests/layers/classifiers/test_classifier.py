"""What every classifier keeps."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers import create
from ctrmoe.layers.classifiers import CLASSIFIERS
from ctrmoe.layers.classifiers.classifier import Classifier
from ctrmoe.layers.registry import constructor_parameters

UNITS = [6, 4]
OPTIONS = {"activation": "tanh", "dropout": 0.2, "batch_normalization": True}


@pytest.fixture
def x(random):
    return random.normal(size=(5, 4, 3)).astype("float32")


@pytest.fixture(params=sorted(CLASSIFIERS))
def kind(request):
    return request.param


def test_declared_shape_is_the_real_one(kind, x):
    layer = create(CLASSIFIERS, kind, units=UNITS)

    symbolic, out = layer(keras.Input((4, 3))), layer(x)

    assert layer.compute_output_shape((None, 4, 3)) == symbolic.shape == (None, *out.shape[1:])
    assert symbolic.dtype == out.dtype.name == "float32"
    assert out.shape[0] == 5 and len(out.shape) == 2


def test_batch_of_unknown_size_gives_the_same(kind, x):
    layer = create(CLASSIFIERS, kind, units=UNITS)
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, 4, 3), tf.float32)])

    for rows in (1, 5):
        np.testing.assert_allclose(graph(x[:rows]), layer(x[:rows]), atol=1e-6)


@pytest.mark.parametrize("options", [{}, OPTIONS])
def test_row_does_not_depend_on_other_rows(kind, x, options):
    layer = create(CLASSIFIERS, kind, units=UNITS, **options)

    batch = np.asarray(layer(x))

    alone = np.concatenate([layer(x[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(alone, batch, rtol=1e-5, atol=1e-6)


def test_gradient_reaches_every_weight(kind, x):
    layer = create(CLASSIFIERS, kind, units=UNITS, activation="tanh", batch_normalization=True)
    target = layer(x) + 0.3

    with tf.GradientTape() as tape:
        total = keras.ops.mean((layer(x, training=True) - target) ** 2)
    gradients = tape.gradient(total, [weight.value for weight in layer.trainable_weights])

    assert len(gradients) == 6
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).sum() > 1e-6, weight.path


def test_dropout_is_active_in_training_only(kind, x):
    layer = create(CLASSIFIERS, kind, units=UNITS, dropout=0.5)

    np.testing.assert_array_equal(layer(x), layer(x, training=False))
    assert not np.allclose(layer(x, training=True), layer(x, training=False))


def test_half_precision_is_finite_and_declared(kind, x):
    layer = create(CLASSIFIERS, kind, units=UNITS, dtype="mixed_float16")

    out = layer(x)

    assert out.dtype == layer(keras.Input((4, 3))).dtype == "float16"
    assert np.isfinite(out).all()
    assert all(weight.dtype == "float32" for weight in layer.weights)


def test_config_round_trip(kind, x):
    layer = create(CLASSIFIERS, kind, units=UNITS, **OPTIONS)

    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    for each in (layer, copy):
        each.build(x.shape)
    copy.set_weights(layer.get_weights())

    config = copy.get_config()
    assert config == layer.get_config()
    assert config.items() >= {"units": UNITS, **OPTIONS}.items()
    np.testing.assert_array_equal(copy(x), layer(x))


def test_config_names_every_argument(kind):
    arguments = set(constructor_parameters(Classifier)) - {"kwargs"}

    assert arguments <= set(create(CLASSIFIERS, kind, units=UNITS).get_config())


@keras.saving.register_keras_serializable(package="tests")
class ModelWithClassifier(keras.Model):
    """A model that builds its layer itself."""

    def __init__(self, kind, **kwargs):
        super().__init__(**kwargs)
        self.kind = kind
        self.layer = create(CLASSIFIERS, kind, units=UNITS, batch_normalization=True)

    def build(self, input_shape):
        self.layer.build(input_shape)

    def call(self, inputs):
        return self.layer(inputs)

    def get_config(self):
        return {**super().get_config(), "kind": self.kind}


def test_save_and_load_in_a_model_that_builds_itself(kind, x, tmp_path):
    model = ModelWithClassifier(kind)
    model(x)
    for weight in model.trainable_weights:
        weight.assign(1.5 * weight + 0.1)

    model.save(tmp_path / "model.keras")

    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(x), model(x))


@pytest.mark.parametrize(("kind", "pairs"), [("deepfm", 0), ("ipnn", 6), ("mlp", 0)])
def test_number_of_parameters(kind, pairs, x):
    layer = create(CLASSIFIERS, kind, units=UNITS)
    layer.build(x.shape)

    count = sum(math.prod(weight.shape) for weight in layer.trainable_weights)

    assert count == (4 * 3 + pairs) * 6 + 6 + 6 * 4 + 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": []}, r"`units` must name at least one width. Received: units=\[\]"),
        ({"units": [0]}, "`units` must be a positive integer. Received: units=0"),
        ({"units": [4], "dropout": 1}, r"`dropout` must lie in \[0, 1\). Received: dropout=1"),
    ],
)
def test_argument_out_of_range(kind, options, message):
    with pytest.raises(ValueError, match=message):
        create(CLASSIFIERS, kind, **options)


@pytest.mark.parametrize("shape", [(None, None, 3), (None, 4, None)])
def test_shape_that_is_not_static(kind, shape):
    with pytest.raises(ValueError, match="`inputs` must be tokens .* with known F and D"):
        create(CLASSIFIERS, kind, units=UNITS).build(shape)
