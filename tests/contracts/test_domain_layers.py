"""What every layer that reads the domain keeps: shapes, dtypes, configs and reloading."""

import inspect

import keras
import numpy as np
import pytest

from ctrmoe import layers
from ctrmoe.layers import (
    DomainEmbedding,
    DomainExperts,
    DomainIndex,
    DomainNormalization,
    DomainTower,
)
from ctrmoe.layers.registry import constructor_parameters

ROWS = np.random.default_rng(4).normal(size=(6, 4)).astype("float32")
DOMAIN = np.array([0, 1, 2, 2, 1, 1], "int32")
IDS = np.array([[1], [2], [3], [4], [9], [3]], "int32")

# Layer with options other than the defaults, its inputs, and the output's dtype in half precision.
CASES = {
    "DomainEmbedding": (
        lambda **kwargs: DomainEmbedding(3, 5, initializer="ones", **kwargs),
        (DOMAIN,),
        "float16",
    ),
    "DomainExperts": (
        lambda **kwargs: DomainExperts(
            3, [5, 2], kind="product", bank={"activation": "tanh"}, **kwargs
        ),
        (ROWS, DOMAIN),
        "float16",
    ),
    "DomainIndex": (
        lambda **kwargs: DomainIndex(3, dropout=0.1, seed=2, **kwargs),
        (IDS,),
        "int32",
    ),
    "DomainNormalization": (
        lambda **kwargs: DomainNormalization(3, momentum=0.8, epsilon=0.1, **kwargs),
        (ROWS, DOMAIN),
        "float16",
    ),
    "DomainTower": (
        lambda **kwargs: DomainTower(3, [5], activation="tanh", dropout=0.1, **kwargs),
        (ROWS, DOMAIN),
        "float32",
    ),
}


@keras.saving.register_keras_serializable(package="tests")
class ModelOfTwo(keras.Model):
    """A model that calls its layer with what it is given side by side."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape[0])

    def call(self, inputs):
        return self.layer(*inputs)

    def get_config(self):
        return {**super().get_config(), "layer": keras.layers.serialize(self.layer)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "layer": keras.layers.deserialize(config["layer"])})


def test_every_public_layer_by_domain_is_here():
    assert set(CASES) == {name for name in layers.__all__ if name.startswith("Domain")}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    """Maker, inputs, dtype in half precision."""
    return request.param


def symbols(inputs):
    return [keras.Input(x.shape[1:], dtype=x.dtype.name) for x in inputs]


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_declared_shape_and_dtype_are_the_real_ones(case, policy):
    make, inputs, half = case
    layer = make(dtype=policy)

    symbolic, out = layer(*symbols(inputs)), layer(*inputs)

    assert symbolic.shape == (None, *out.shape[1:]) and out.shape[0] == 6
    assert symbolic.dtype == out.dtype.name
    assert layer.compute_output_shape((None, *inputs[0].shape[1:])) == symbolic.shape
    assert out.dtype.name == ("float32" if policy == "float32" and half != "int32" else half)
    assert np.isfinite(out).all()


def test_config_round_trip_and_names_every_argument(case):
    make, inputs, _ = case
    layer = make(name="part")
    layer(*inputs)

    copy = keras.layers.deserialize(keras.layers.serialize(layer))

    assert copy.get_config() == layer.get_config() and copy.name == "part"
    assert set(constructor_parameters(type(layer))) - {"kwargs"} <= set(layer.get_config())


def test_save_and_load_in_a_subclassed_model(case, tmp_path):
    make, inputs, _ = case
    model = ModelOfTwo(make())
    model(inputs)
    for weight in model.layer.trainable_weights:
        weight.assign(1.5 * weight + 0.1)  # no longer what an initializer gives
    before = model(inputs)

    model.save(tmp_path / "model.keras")

    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(inputs), before)


def test_a_row_alone_is_that_row_of_the_batch(case):
    make, inputs, _ = case
    layer = make()
    layer(*inputs)
    if "training" in inspect.signature(layer.call).parameters:
        layer(*inputs, training=True)

    whole = np.array(layer(*inputs))

    for row in range(6):
        alone = layer(*(x[row : row + 1] for x in inputs))
        np.testing.assert_allclose(alone[0], whole[row], atol=1e-6)


def test_number_that_is_no_domain_is_domain_0(case):
    make, (*rows, domain), _ = case
    layer = make()
    unknown = np.where(domain == 2, 0, domain)

    known = layer(*rows, unknown)

    np.testing.assert_allclose(layer(*rows, np.where(domain == 2, 70, unknown)), known, atol=1e-6)


def test_wrong_shape_of_the_domain_is_named(case):
    make, (*rows, domain), _ = case
    wrong = domain[:, 0] if domain.ndim == 2 else domain[:, None]

    with pytest.raises(
        ValueError, match=r"`domain` must hold one number|expected ndim=2, found ndim=1"
    ):
        make()(*rows, wrong)
