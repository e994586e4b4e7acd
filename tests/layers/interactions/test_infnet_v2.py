import keras
import numpy as np
import pytest
import references
import tensorflow as tf
from sequence_models import BuildsItself, gradients

from ctrmoe.layers.interactions.infnet_v2 import INFNetV2

ROWS, FIELDS, DIM, LENGTHS = 5, 3, 4, (6, 4)
OPTIONS = [{}, {"positions": False, "num_heads": 2}, {"num_blocks": 1}]
SMALL = {"num_blocks": 2, "num_hubs": [3, 2], "expansion": 2}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kinds", [0, 1, 2])
def test_equals_the_equations(fields, sequences, masks, randomize, options, kinds):
    options = {**SMALL, **options}
    sequences, masks = sequences[:kinds], masks[:kinds]
    layer = INFNetV2(2, **options)
    layer(fields, sequences, masks)
    weights = randomize(layer)
    sizes = options["num_blocks"], options.get("num_heads", 1)

    expected = [
        references.infnet_v2(
            fields[b], [s[b] for s in sequences], [m[b] for m in masks], weights, *sizes
        )
        for b in range(ROWS)
    ]

    np.testing.assert_allclose(layer(fields, sequences, masks), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("num_tasks", [1, 2])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kinds", [0, 1, 2])
def test_every_weight_gets_a_finite_gradient(fields, sequences, masks, num_tasks, options, kinds):
    layer = INFNetV2(num_tasks, **{**SMALL, **options})

    found = gradients(layer, fields, sequences[:kinds], masks[:kinds])

    for path, gradient in found.items():
        assert gradient is not None and np.isfinite(gradient).all(), path
        assert np.abs(gradient).sum() > 1e-8, path


def test_rows_without_any_behaviour_are_finite(fields, sequences, masks):
    layer = INFNetV2(2, **SMALL)
    empty = [np.zeros_like(mask) for mask in masks]

    out = np.asarray(layer(fields, sequences, empty))

    assert np.isfinite(out).all()
    np.testing.assert_array_equal(out, layer(fields, [7 * s for s in sequences], empty))
    np.testing.assert_allclose(np.asarray(layer(fields, sequences, masks))[4], out[4], atol=1e-6)
    assert not np.allclose(layer(fields, sequences, masks)[:4], out[:4], atol=1e-3)


@pytest.mark.parametrize("positions", [False, True])
def test_what_padding_holds_changes_nothing(fields, sequences, masks, positions):
    layer = INFNetV2(2, **SMALL, positions=positions)
    other = [
        np.where(mask[:, :, None], sequence, np.nan)
        for sequence, mask in zip(sequences, masks, strict=True)
    ]

    np.testing.assert_array_equal(layer(fields, sequences, masks), layer(fields, other, masks))


def test_longer_padding_changes_nothing(fields, sequences, masks):
    layer = INFNetV2(2, **SMALL, positions=False)
    longer = [np.pad(sequence, ((0, 0), (0, 3), (0, 0))) for sequence in sequences]
    padded = [np.pad(mask, ((0, 0), (0, 3))) for mask in masks]

    np.testing.assert_allclose(
        layer(fields, sequences, masks), layer(fields, longer, padded), atol=1e-6
    )


@pytest.mark.parametrize("positions", [False, True])
def test_order_within_a_sequence_counts_with_positions_only(fields, sequences, positions):
    layer = INFNetV2(2, **SMALL, positions=positions)
    first, second = sequences

    out, other = layer(fields, [first, second]), layer(fields, [first[:, ::-1], second])

    assert np.allclose(out, other, atol=1e-5) is not positions


def test_row_alone_is_the_row_in_a_batch(fields, sequences, masks):
    layer = INFNetV2(2, **SMALL, positions=False)
    batch = np.asarray(layer(fields, sequences, masks))

    alone = [
        layer(fields[i : i + 1], [s[i : i + 1] for s in sequences], [m[i : i + 1] for m in masks])
        for i in range(ROWS)
    ]

    np.testing.assert_allclose(np.concatenate(alone), batch, atol=1e-6)
    assert np.ptp(batch, axis=0).max() > 0.1


def test_attention_of_every_block(fields, sequences, masks, randomize):
    layer = INFNetV2(2, **SMALL, num_heads=2)
    layer(fields, sequences, masks)
    randomize(layer)

    first, last = layer.attention(fields, sequences, masks)

    state, keep = layer.first_tokens(fields, sequences, masks)
    for weights in (first, last):
        for flow, expected in layer.blocks[weights is last].attention(state, keep=keep).items():
            np.testing.assert_array_equal(weights[flow], expected)
        state = layer.blocks[0](state, keep=keep)
    assert first["field_hubs_to_sequences"].shape == (ROWS, 2, 3, sum(LENGTHS))
    assert last["task_hubs_to_fields"].shape == (ROWS, 2, 2 + 2, FIELDS)
    assert {flow.partition("_to_")[0] for flow in last} == {"task_hubs"}


def doubly_long(function, length, *specs):
    """The tensors of a traced function, its inner functions included, with two axes of `length`,
    and how many tensors have one."""
    graph = tf.function(function).get_concrete_function(*specs).graph
    graphs = [graph, *(inner.graph for inner in graph._functions.values())]
    shapes = [
        tensor.shape.as_list()
        for one in graphs
        for operation in one.get_operations()
        for tensor in operation.outputs
        if tensor.shape.rank is not None
    ]
    return [s for s in shapes if s.count(length) > 1], sum(length in s for s in shapes)


@pytest.mark.parametrize("positions", [False, True])
def test_cost_is_linear_in_the_length(positions):
    length, shape = 37, tf.TensorSpec
    layer = INFNetV2(2, **SMALL, positions=positions)

    def step(fields, sequence, mask):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(fields, sequence, mask) ** 2)
        return loss, tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    layer(tf.zeros((2, FIELDS, DIM)), tf.zeros((2, length, DIM)))
    specs = shape((2, FIELDS, DIM)), shape((2, length, DIM)), shape((2, length), tf.bool)

    squares, lines = doubly_long(step, length, *specs)

    assert squares == []
    assert lines > 50


def test_length_and_batch_size_may_be_unknown(fields, sequences, masks):
    layer = INFNetV2(2, **SMALL, positions=False)
    expected = layer(fields, sequences[0], masks[0])
    graph = tf.function(
        layer,
        input_signature=[
            tf.TensorSpec((None, FIELDS, DIM)),
            tf.TensorSpec((None, None, DIM)),
            tf.TensorSpec((None, None), tf.bool),
        ],
    )

    for length in (6, 3):
        out = graph(fields, sequences[0][:, :length], masks[0][:, :length])
        rows = masks[0][:, length:].sum(axis=1) == 0
        np.testing.assert_allclose(out[rows], expected[rows], atol=1e-6)


def test_functional_model_saves_and_declares_the_real_shape(fields, sequences, masks, tmp_path):
    inputs = (
        keras.Input((FIELDS, DIM)),
        [keras.Input((length, DIM)) for length in LENGTHS],
        [keras.Input((length,), dtype="bool") for length in LENGTHS],
    )
    out = INFNetV2(2, **SMALL)(*inputs)
    model = keras.Model(inputs, out)

    assert out.shape == (None, 2, DIM)
    before = model((fields, sequences, masks))
    assert before.shape == (ROWS, 2, DIM)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded((fields, sequences, masks)), before)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_save_and_load_in_a_model_that_builds_itself(fields, sequences, masks, options, tmp_path):
    model = BuildsItself(INFNetV2(2, **{**SMALL, **options}))
    inputs = (fields, sequences, masks)
    model(inputs)
    for weight in model.trainable_weights:
        weight.assign(1.5 * weight + 0.1)
    before = model(inputs)

    model.save(tmp_path / "model.keras")

    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), before)


def test_config_round_trip(fields, sequences, masks):
    layer = INFNetV2(2, **SMALL, num_heads=2, positions=False, dtype="mixed_float16", name="part")
    layer(fields, sequences, masks)

    copy = keras.layers.deserialize(keras.layers.serialize(layer))
    copy(fields, sequences, masks)
    copy.set_weights(layer.get_weights())

    assert copy.get_config() == layer.get_config()
    assert (copy.name, copy.dtype_policy.name) == ("part", "mixed_float16")
    out = layer(fields, sequences, masks)
    assert out.dtype == "float16" and np.isfinite(out).all()
    np.testing.assert_array_equal(copy(fields, sequences, masks), out)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_tasks": 0}, "`num_tasks` must be a positive integer. Received: num_tasks=0"),
        ({"num_blocks": 0}, "`num_blocks` must be a positive integer. Received: num_blocks=0"),
        ({"num_heads": 0}, "`num_heads` must be a positive integer. Received: num_heads=0"),
        ({"num_hubs": 4}, "`num_hubs` must be two integers. Received: num_hubs=4"),
        ({"num_hubs": [4, 0]}, "`num_hubs` must be a positive integer. Received: num_hubs=0"),
        ({"expansion": 0}, "`expansion` must be a positive integer. Received: expansion=0"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        INFNetV2(**{"num_tasks": 2, **options})


def test_inputs_that_do_not_fit(fields, sequences, masks):
    with pytest.raises(ValueError, match="`sequences` must be .* as wide as the tokens, 4. R"):
        INFNetV2(2)(fields, sequences[0][:, :, :3])
    with pytest.raises(ValueError, match="`sequences_mask` must have one .* 1 masks, 2 seq"):
        INFNetV2(2)(fields, sequences, masks[0])
    with pytest.raises(ValueError, match="`num_heads` must divide .* num_heads=3, width=4"):
        INFNetV2(2, num_heads=3)(fields)
    with pytest.raises(ValueError, match="`positions` must be False for a sequence of unknown"):
        INFNetV2(2).build((None, FIELDS, DIM), (None, None, DIM))
