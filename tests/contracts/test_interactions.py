"""What every interaction keeps, whichever paper it is from."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers import FM, INTERACTIONS, DotProduct, create, interactions
from ctrmoe.layers.registry import constructor_parameters

# The options that change which weights or operations there are.
CASES = {
    "autoint": [
        {"num_layers": 2, "num_heads": 2, "key_dim": 3},
        {"num_layers": 2, "num_heads": 2, "key_dim": 2, "residual": "auto"},
        {"num_layers": 2, "num_heads": 1, "key_dim": 3, "authors_code": True},
        {"num_layers": 1, "key_dim": 3, "layer_norm": "pre_relu", "dropout": 0.1},
    ],
    "cin": [
        {"units": [4, 2]},
        {"units": [4, 2], "pooled": False, "split_half": True, "use_bias": True},
        {"units": [3], "activation": "tanh"},
    ],
    "cross_network": [{"num_layers": 2}, {"num_layers": 1, "projection_dim": 3}],
    "dot_product": [{}, {"self_interaction": True, "kept_token": 1}],
    "fgcnn": [
        {"filters": [3, 2], "kernel_size": 3, "new_maps": 2},
        {"filters": [3], "kernel_size": 2, "pooling": "floor", "padding": "same", "use_bias": True},
    ],
    "fm": [{}],
    "infnet": [
        {"num_tasks": 2, "num_blocks": 2, "num_heads": 2},
        {"num_tasks": 3, "num_blocks": 1, "residual": False, "layer_norm": False},
        {"num_tasks": 2, "num_blocks": 2, "without": ["task_tokens", "cross_attention"]},
        {"num_tasks": 2, "num_blocks": 1, "without": ["gated_units"]},
    ],
    "infnet_v2": [{"num_tasks": 2, "num_blocks": 2, "num_heads": 2, "num_hubs": [3, 2]}],
}
# Files of the folder that hold a part of an interaction, and no interaction.
PARTS = {
    "behaviour_sequences",
    "broadcast_gated_unit",
    "convolution_block",
    "cross_attention",
    "infnet_block",
    "infnet_v2_block",
    "interacting_layer",
    "proxy_gated_unit",
    "sequence_hubs",
    "task_interaction",
    "task_tokens",
    "token_mean",
    "token_mlp",
}
ROWS, FIELDS, DIM = 6, 5, 4


@pytest.fixture(
    params=[(kind, options) for kind, cases in CASES.items() for options in cases],
    ids=lambda case: "-".join([case[0], *(f"{k}={v}" for k, v in case[1].items())]),
)
def case(request):
    """Kind and options."""
    return request.param


@pytest.fixture
def layer(case):
    kind, options = case
    return create(INTERACTIONS, kind, **options)


@pytest.fixture
def x():
    return np.random.default_rng(3).normal(size=(ROWS, FIELDS, DIM)).astype("float32")


def test_declared_shape_is_the_real_one(layer, x):
    declared = layer.compute_output_shape((None, FIELDS, DIM))
    symbolic = layer(keras.Input((FIELDS, DIM)))

    out = layer(x)

    assert declared == symbolic.shape == (None, *out.shape[1:])
    assert out.shape[0] == ROWS and len(out.shape) == 3
    assert symbolic.dtype == out.dtype.name == "float32"


def test_batch_of_unknown_size_gives_the_same(layer, x):
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, FIELDS, DIM), tf.float32)])

    for rows in (1, ROWS):
        np.testing.assert_allclose(graph(x[:rows]), layer(x[:rows]), atol=1e-6)


def test_row_alone_is_the_row_in_a_batch(layer, x):
    batch = np.asarray(layer(x))

    alone = np.concatenate([layer(x[i : i + 1]) for i in range(ROWS)])

    np.testing.assert_allclose(alone, batch, atol=1e-6)
    assert np.ptp(batch, axis=0).max() > 0.01


def test_permuting_the_batch_permutes_the_output(layer, x):
    order = [4, 2, 0, 5, 1, 3]

    np.testing.assert_allclose(layer(x[order]), np.asarray(layer(x))[order], atol=1e-6)


def test_every_trainable_weight_gets_a_gradient(layer, x):
    target = np.random.default_rng(4).normal(size=layer(x).shape).astype("float32")

    with tf.GradientTape() as tape:
        loss = keras.ops.mean((layer(x, training=True) - target) ** 2)
    gradients = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    assert gradients or isinstance(layer, FM | DotProduct)
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert gradient is not None and np.isfinite(gradient).all(), weight.path
        assert np.abs(gradient).sum() > 0, weight.path


def test_finite_in_half_precision(case, x):
    kind, options = case
    layer = create(INTERACTIONS, kind, **options, dtype="mixed_float16")

    with tf.GradientTape() as tape:
        out = layer(10 * x)
        total = keras.ops.sum(keras.ops.cast(out, "float32"))
    gradients = tape.gradient(total, [weight.value for weight in layer.trainable_weights])

    assert out.dtype == "float16" == layer(keras.Input((FIELDS, DIM))).dtype
    assert all(weight.dtype == "float32" for weight in layer.weights)
    assert all(np.isfinite(array).all() for array in (out, *gradients))


def test_input_that_is_no_tokens_is_named(case, layer, x):
    kind, options = case
    for wrong in (x[:, 0], x[None], keras.Input((None, DIM))):
        with pytest.raises(ValueError, match=r"must be tokens `\[B, F, D\]` with known F and D"):
            create(INTERACTIONS, kind, **options)(wrong)

    layer(x)
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2|must be tokens"):
        layer(x[:, 0])


def test_config_round_trip(case, layer, x):
    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    layer.build(x.shape)
    copy.build(x.shape)
    copy.set_weights(layer.get_weights())

    assert copy.get_config() == layer.get_config()
    assert case[1].items() <= copy.get_config().items()
    np.testing.assert_array_equal(copy(x), layer(x))


def test_config_names_every_argument(layer):
    arguments = set(constructor_parameters(type(layer))) - {"args", "kwargs"}

    assert arguments <= set(layer.get_config())


def test_save_and_load_in_a_model_that_builds_itself(layer, x, save_and_load):
    before, after = save_and_load(layer, x)

    np.testing.assert_array_equal(after, before)


def test_registry_files_and_cases_agree(repository):
    folder = Path(interactions.__file__).parent
    files = {path.stem for path in folder.rglob("*.py")} - {"__init__"}
    mirrors = {path.stem for path in (repository / "tests/layers/interactions").glob("test_*.py")}

    assert set(CASES) == set(INTERACTIONS)
    assert all(CASES.values())
    assert files - PARTS == set(INTERACTIONS)
    assert mirrors == {f"test_{name}" for name in files}
    for kind, cls in INTERACTIONS.items():
        assert cls.__module__ == f"{interactions.__name__}.{kind}"
