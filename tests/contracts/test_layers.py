"""What every other layer keeps: shapes, dtypes, configs and reloading."""

import keras
import numpy as np
import pytest

from ctrmoe import layers
from ctrmoe.layers import (
    CLASSIFIERS,
    DOMAIN_NETWORKS,
    INTERACTIONS,
    MLP,
    AutoInt,
    ChainedLogit,
    FeatureEmbedding,
    Field,
    Mixture,
    MixtureStack,
    RowBlocks,
    Tower,
)
from ctrmoe.layers.composed_table import ComposedTable
from ctrmoe.layers.fused_table import FusedTable
from ctrmoe.layers.interactions.interacting_layer import InteractingLayer
from ctrmoe.layers.numeric.linear import NumericEmbedding
from ctrmoe.layers.numeric_fields import NumericFields
from ctrmoe.layers.registry import constructor_parameters

ROWS = 6
FIELDS = [
    Field(name="user", kind="categorical", vocabulary_size=9, embedding_dim=2),
    Field(name="history", kind="sequence", vocabulary_size=7, length=3),
    Field(name="price", kind="numeric"),
]
random = np.random.default_rng(5)
TOKENS = random.normal(size=(ROWS, 3, 4)).astype("float32")
IDS = random.integers(0, 7, (ROWS, 3)).astype("int32")
NUMBERS = random.normal(size=(ROWS, 1)).astype("float32")

# Layer with options other than the defaults, its inputs, and the output's dtype in half precision.
CASES = {
    "MLP": (
        lambda **kwargs: MLP(
            [5, 3],
            activation="tanh",
            dropout=0.1,
            batch_normalization=True,
            kernel_initializer="he_normal",
            **kwargs,
        ),
        TOKENS,
        "float16",
    ),
    "Tower": (
        lambda **kwargs: Tower(
            [5], activation="tanh", dropout=0.1, batch_normalization=True, use_bias=False, **kwargs
        ),
        TOKENS,
        "float32",
    ),
    "FeatureEmbedding": (
        lambda **kwargs: FeatureEmbedding(
            FIELDS,
            4,
            embeddings_initializer="random_normal",
            embeddings_l2=0.1,
            dropout=0.1,
            **kwargs,
        ),
        {"ids": IDS[:, :1], "sequences": IDS, "values": NUMBERS},
        "float16",
    ),
    "FeatureEmbedding of several kinds": (
        lambda **kwargs: FeatureEmbedding(
            [
                Field(name="user", kind="categorical", vocabulary_size=9, buckets=3),
                Field(name="history", kind="sequence", vocabulary_size=7, length=3, combiner="max"),
                Field(
                    name="price",
                    kind="numeric",
                    numeric={"kind": "piecewise_linear", "num_bins": 2},
                    quantiles=(-1.0, 0.0, 1.0),
                ),
            ],
            4,
            **kwargs,
        ),
        {"ids": IDS[:, :1], "sequences": IDS, "values": NUMBERS},
        "float16",
    ),
    "RowBlocks": (
        lambda **kwargs: RowBlocks(
            AutoInt(num_layers=2, key_dim=3, **kwargs), block_size=2, compile="none", **kwargs
        ),
        TOKENS,
        "float16",
    ),
    **{
        cls.__name__: (
            lambda cls=cls, **kwargs: cls([5, 3], activation="tanh", dropout=0.1, **kwargs),
            TOKENS,
            "float16",
        )
        for cls in CLASSIFIERS.values()
    },
    "Mixture": (
        lambda **kwargs: Mixture(
            {"kind": "feed_forward", "num_experts": 3, "units": [5, 4], "dropout": 0.1},
            router={"selector": {"kind": "top_k", "k": 2}},
            num_gates=2,
            shared_experts=1,
            balance=[{"kind": "switch", "weight": 0.1}],
            dispatch="dense",
            block_size=8,
            **kwargs,
        ),
        TOKENS,
        "float16",
    ),
    "MixtureStack": (
        lambda **kwargs: MixtureStack(
            [{"experts": {"kind": "feed_forward", "num_experts": 2, "units": [4]}}] * 2,
            residual=True,
            **kwargs,
        ),
        TOKENS,
        "float16",
    ),
    "ChainedLogit": (ChainedLogit, [NUMBERS[:, 0], NUMBERS[:, 0]], "float32"),
    "FusedTable": (
        lambda **kwargs: FusedTable([7, 8], [0, 1, 0], 4, initializer="random_normal", **kwargs),
        IDS,
        "float32",
    ),
    "ComposedTable": (
        lambda **kwargs: ComposedTable(
            [7, 8], [3, 4], [0, 1, 0], 4, operation="add", initializer="random_normal", **kwargs
        ),
        IDS,
        "float32",
    ),
    "NumericFields": (
        lambda **kwargs: NumericFields(
            [
                Field(name="x", kind="numeric", numeric={"kind": "bottom_mlp", "units": [3]}),
                Field(name="y", kind="numeric", numeric={"kind": "periodic"}),
                Field(name="z", kind="numeric"),
            ],
            4,
            initializer="random_normal",
            **kwargs,
        ),
        np.tile(NUMBERS, 3),
        "float32",
    ),
    "NumericEmbedding": (
        lambda **kwargs: NumericEmbedding(4, initializer="random_normal", **kwargs),
        NUMBERS,
        "float32",
    ),
    "InteractingLayer": (
        lambda **kwargs: InteractingLayer(
            2,
            3,
            scale=True,
            activation="relu",
            use_bias=True,
            layer_norm="pre_relu",
            residual="auto",
            dropout=0.1,
            **kwargs,
        ),
        TOKENS,
        "float16",
    ),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request):
    """Maker, inputs, dtype in half precision."""
    return request.param


def symbols(inputs):
    return keras.tree.map_structure(lambda x: keras.Input(x.shape[1:], dtype=x.dtype.name), inputs)


def test_every_public_layer_is_here():
    public = {
        name
        for name, value in vars(layers).items()
        if name in layers.__all__ and isinstance(value, type) and issubclass(value, keras.Layer)
    }

    elsewhere = {cls.__name__ for cls in (INTERACTIONS | DOMAIN_NETWORKS).values()}
    elsewhere |= {name for name in public if name.startswith("Domain")}  # test_domain_layers.py
    assert public - elsewhere <= set(CASES)
    assert {cls.__name__ for cls in CLASSIFIERS.values()} <= set(CASES)


def test_declared_shape_and_dtype_are_the_real_ones(case):
    make, inputs, _ = case
    layer = make()

    symbolic, out = layer(symbols(inputs)), layer(inputs)

    assert symbolic.shape == (None, *out.shape[1:])
    assert out.shape[0] == ROWS
    assert symbolic.dtype == out.dtype.name == "float32"
    if type(layer).__name__ in layers.__all__:
        shapes = keras.tree.map_structure(lambda x: (None, *x.shape[1:]), inputs)
        assert layer.compute_output_shape(shapes) == symbolic.shape


def test_half_precision_is_finite_and_declared(case):
    make, inputs, dtype = case
    layer = make(dtype="mixed_float16")

    symbolic, out = layer(symbols(inputs)), layer(inputs)

    assert symbolic.dtype == out.dtype.name == dtype
    assert np.isfinite(out).all()
    assert all(weight.dtype == "float32" for weight in layer.weights if "seed" not in weight.path)


def test_config_round_trip(case):
    make, inputs, _ = case
    layer = make(dtype="mixed_float16", name="part")
    layer(inputs)

    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    copy(inputs)
    copy.set_weights(layer.get_weights())

    assert copy.get_config() == layer.get_config()
    assert (copy.name, copy.dtype_policy.name) == ("part", "mixed_float16")
    np.testing.assert_array_equal(copy(inputs), layer(inputs))


def test_config_names_every_argument(case):
    layer = case[0]()
    arguments = set(constructor_parameters(type(layer))) - {"kwargs"}

    assert arguments <= set(layer.get_config())


def test_save_and_load_in_a_model_that_builds_itself(case, save_and_load):
    make, inputs, _ = case

    before, after = save_and_load(make(), inputs)

    np.testing.assert_array_equal(after, before)
