import keras
import numpy as np
import pytest
import references
import tensorflow as tf
from sequence_models import BuildsItself, gradients

from ctrmoe.layers.interactions.infnet import INFNet
from ctrmoe.layers.interactions.infnet_block import INFNetBlock

ROWS, FIELDS, DIM, LENGTHS = 5, 3, 4, (6, 4)
OPTIONS = [
    {},
    {"residual": False, "layer_norm": False},
    {"residual": False, "layer_norm": False, "pgu_proxies": "literal"},
    {"share_task_projections": True, "num_heads": 2},
    {"positions": True, "num_proxies": [3, 2, 1], "num_dense_layers": [2, 2, 1]},
    {"without": ["task_tokens"]},
    {"without": ["gated_units"]},
    {"without": ["cross_attention"]},
]


def flags_of(options):
    """The options that the reference does not read off the weights."""
    read_off = ("positions", "num_proxies", "without")
    flags = {k: v for k, v in options.items() if k not in read_off}
    return {**flags, "cross_attends": "cross_attention" not in options.get("without", ())}


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_equals_the_equations(fields, sequences, masks, randomize, options):
    layer = INFNet(2, num_blocks=2, **options)
    layer(fields, sequences, masks)
    weights = randomize(layer)
    flags = flags_of(options)

    expected = [
        references.infnet(
            fields[b], [s[b] for s in sequences], [m[b] for m in masks], weights, 2, **flags
        )
        for b in range(ROWS)
    ]

    np.testing.assert_allclose(layer(fields, sequences, masks), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_equals_the_equations_without_sequences(fields, randomize, options):
    layer = INFNet(2, num_blocks=2, **options)
    layer(fields)
    weights = randomize(layer)
    flags = flags_of(options)

    expected = [references.infnet(row, [], [], weights, 2, **flags) for row in fields]

    np.testing.assert_allclose(layer(fields), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("pgu_proxies", ["updated", "literal"])
def test_blocks_leave_out_only_what_does_not_reach_the_tasks(fields, sequences, masks, pgu_proxies):
    layer = INFNet(2, num_blocks=3, pgu_proxies=pgu_proxies)
    out = layer(fields, sequences, masks)

    state = {
        "fields": fields,
        "sequences": np.concatenate(sequences, axis=1),
        "tasks": layer.tasks(fields),
        "field_proxies": np.ones((ROWS, 4, DIM), "float32"),
        "sequence_proxies": np.ones((ROWS, 2, DIM), "float32"),
        "task_proxies": layer.task_proxies(fields),
    }
    if "field_proxies" in layer.blocks[0].inputs:
        state["field_proxies"] = layer.field_mlp(fields)
        pairs = zip(sequences, masks, strict=True)
        state["sequence_proxies"] = np.concatenate(
            [layer._sequence_proxies(*pair) for pair in pairs], axis=1
        )
    for block in layer.blocks:
        whole = INFNetBlock(pgu_proxies=pgu_proxies, name=block.name)
        whole(state)
        by_place = {w.path: w for w in whole.weights}
        for weight in block.weights:
            by_place[weight.path.split("/", 1)[1]].assign(weight)
        state = whole(state, keep=np.concatenate(masks, axis=1))

    np.testing.assert_allclose(out, state["tasks"], atol=1e-5)


def test_parameters(fields):
    options = {"num_proxies": (2, 1, 1), "num_dense_layers": (1, 1, 1), "layer_norm": False}
    layer = INFNet(2, num_blocks=2, **options)
    layer.build((None, 5, 8), [(None, 6, 8), (None, 4, 8)])

    first = 8 * 3 * 64 + (128 + 8) + (128 + 8) + (64 + 8)
    # Only the tasks leave the last block: four attentions and the gate of the tasks.
    last = 4 * 3 * 64 + (64 + 8)
    assert [block.count_params() for block in layer.blocks] == [first, last] == [1_880, 840]
    assert layer.field_mlp.count_params() == (5 * 8) * (2 * 8) + 2 * 8 == 656
    assert layer.sequence_mlp.count_params() == 64 + 8
    assert layer.count_params() == first + last + 656 + 72 + (2 + 1) * 8


def test_parameters_without_a_part():
    options = {"num_proxies": (2, 1, 1), "num_dense_layers": (1, 1, 1), "layer_norm": False}
    counts = {}
    for part in ("task_tokens", "gated_units", "cross_attention"):
        layer = INFNet(2, num_blocks=2, **options, without=[part])
        layer.build((None, 5, 8), [(None, 6, 8), (None, 4, 8)])
        counts[part] = layer.count_params()

    kernel, gates = 8 * 8, (2 * 8 * 8 + 8) + (2 * 8 * 8 + 8)
    proxies = 656 + 72
    # C̃ reads S and S̃ reads C, and they gate C and S, in both blocks.
    assert counts["task_tokens"] == 2 * (2 * 3 * kernel + gates) + proxies
    # T reads C and S, and nothing else reaches it.
    assert counts["gated_units"] == 2 * (2 * 3 * kernel) + 2 * 8
    # Eight flows in the first block and four in the last, a W_V each.
    gate = 8 * 8 + 8
    tokens = (2 + 1) * 8
    assert counts["cross_attention"] == 12 * kernel + gates + 2 * gate + proxies + tokens


def test_without_task_tokens_all_tasks_get_one_token(fields, sequences, masks):
    out = np.asarray(INFNet(3, without=["task_tokens"])(fields, sequences, masks))

    assert out.shape == (ROWS, 3, DIM)
    np.testing.assert_array_equal(out, np.repeat(out[:, :1], 3, axis=1))
    assert np.ptp(out, axis=0).max() > 0.1


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kinds", [0, 1, 2])
def test_every_weight_gets_a_finite_gradient(fields, sequences, masks, options, kinds):
    found = gradients(INFNet(2, num_blocks=3, **options), fields, sequences[:kinds], masks[:kinds])

    for path, gradient in found.items():
        assert gradient is not None and np.isfinite(gradient).all(), path
        assert np.abs(gradient).sum() > 0, path


def test_one_task_leaves_no_choice_to_the_attention_to_it(fields, sequences, masks):
    found = gradients(INFNet(1, num_blocks=2), fields, sequences, masks)

    kernels = {path.rsplit("/")[-1] for path in found if "_to_tasks/" in path}
    assert kernels == {"value_kernel"}
    assert all(np.abs(gradient).sum() > 0 for gradient in found.values())


def test_rows_without_any_behaviour_are_finite(fields, sequences, masks):
    layer = INFNet(2, num_blocks=2)
    empty = [np.zeros_like(mask) for mask in masks]

    out = np.asarray(layer(fields, sequences, empty))

    assert np.isfinite(out).all()
    np.testing.assert_array_equal(out, layer(fields, [7 * s for s in sequences], empty))
    np.testing.assert_allclose(np.asarray(layer(fields, sequences, masks))[4], out[4], atol=1e-6)
    assert not np.allclose(layer(fields, sequences, masks)[:4], out[:4], atol=1e-3)


@pytest.mark.parametrize("positions", [False, True])
def test_what_padding_holds_changes_nothing(fields, sequences, masks, positions):
    layer = INFNet(2, positions=positions)
    other = [
        np.where(mask[:, :, None], sequence, np.nan)
        for sequence, mask in zip(sequences, masks, strict=True)
    ]

    np.testing.assert_array_equal(layer(fields, sequences, masks), layer(fields, other, masks))


def test_longer_padding_changes_nothing(fields, sequences, masks):
    layer = INFNet(2)
    longer = [np.pad(sequence, ((0, 0), (0, 3), (0, 0))) for sequence in sequences]
    padded = [np.pad(mask, ((0, 0), (0, 3))) for mask in masks]

    np.testing.assert_allclose(
        layer(fields, sequences, masks), layer(fields, longer, padded), atol=1e-6
    )


@pytest.mark.parametrize("positions", [False, True])
def test_order_within_a_sequence_counts_with_positions_only(fields, sequences, positions):
    layer = INFNet(2, positions=positions)
    first, second = sequences

    out, other = layer(fields, [first, second]), layer(fields, [first[:, ::-1], second])

    assert np.allclose(out, other, atol=1e-5) is not positions


def test_which_behaviour_an_item_is_of_counts(fields, sequences):
    layer = INFNet(2)
    first, second = (sequence[:, :4] for sequence in sequences)
    pairs = (first, second), (second, first)

    swapped = [np.concatenate([a[:, :2], b[:, 2:]], axis=1) for a, b in pairs]

    assert not np.allclose(layer(fields, [first, second]), layer(fields, swapped), atol=1e-3)


def test_one_sequence_comes_with_or_without_a_list(fields, sequences, masks):
    layer = INFNet(2)

    np.testing.assert_array_equal(
        layer(fields, sequences[0], masks[0]), layer(fields, sequences[:1], masks[:1])
    )
    np.testing.assert_array_equal(
        layer(fields, sequences[0]), layer(fields, sequences[0], np.ones_like(masks[0]))
    )


def test_swapped_tasks_swap_the_outputs(fields, sequences, masks):
    layer = INFNet(2)
    out = np.asarray(layer(fields, sequences, masks))

    layer.tasks.tokens.assign(layer.tasks.tokens.numpy()[::-1])

    np.testing.assert_allclose(layer(fields, sequences, masks), out[:, ::-1], atol=1e-6)
    assert not np.allclose(out[:, 0], out[:, 1], atol=1e-3)


def test_row_alone_is_the_row_in_a_batch(fields, sequences, masks):
    layer = INFNet(2)
    batch = np.asarray(layer(fields, sequences, masks))

    alone = [
        layer(fields[i : i + 1], [s[i : i + 1] for s in sequences], [m[i : i + 1] for m in masks])
        for i in range(ROWS)
    ]

    np.testing.assert_allclose(np.concatenate(alone), batch, atol=1e-6)
    assert np.ptp(batch, axis=0).max() > 0.1


def test_attention_of_every_block(fields, sequences, masks, randomize):
    layer = INFNet(2, num_blocks=2, num_heads=2)
    layer(fields, sequences, masks)
    weights = references.below(randomize(layer), "block_0_tasks_to_fields")

    first, last = layer.attention(fields, sequences, masks)

    tasks = np.asarray(layer.tasks.tokens)
    expected = [references.attention_weights(tasks, row, weights, 2) for row in fields]
    np.testing.assert_allclose(first["tasks_to_fields"], expected, atol=1e-4)
    assert len(first) == 8
    assert first["field_proxies_to_sequences"].shape == (ROWS, 2, 4, sum(LENGTHS))
    # What does not reach the tasks is not computed; the tasks' tokens are those of the first.
    assert set(last) == {
        f"{target}_to_{context}"
        for target in ("tasks", "task_proxies")
        for context in ("fields", "sequences")
    }
    assert not np.allclose(last["tasks_to_fields"], first["tasks_to_fields"], atol=1e-3)


def test_attention_without_sequences(fields):
    layer = INFNet(2, num_blocks=1)
    layer(fields)

    (weights,) = layer.attention(fields)

    assert set(weights) == {"task_proxies_to_fields", "tasks_to_fields"}


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
    layer = INFNet(2, positions=positions)

    def step(fields, sequence, mask):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(fields, sequence, mask) ** 2)
        return loss, tape.gradient(loss, [weight.value for weight in layer.trainable_weights])

    layer(tf.zeros((2, FIELDS, DIM)), tf.zeros((2, length, DIM)))
    specs = shape((2, FIELDS, DIM)), shape((2, length, DIM)), shape((2, length), tf.bool)

    squares, lines = doubly_long(step, length, *specs)

    assert squares == []
    assert lines > 100
    attention = keras.layers.MultiHeadAttention(1, DIM)
    squares, _ = doubly_long(lambda x: attention(x, x), length, shape((2, length, DIM)))
    assert squares  # what the walk finds where there is something to find


def test_length_and_batch_size_may_be_unknown(fields, sequences, masks):
    layer = INFNet(2)
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


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_save_and_load_in_a_model_that_builds_itself(fields, sequences, masks, options, tmp_path):
    model = BuildsItself(INFNet(2, num_blocks=2, **options))
    inputs = (fields, sequences, masks)
    model(inputs)
    for weight in model.trainable_weights:
        weight.assign(1.5 * weight + 0.1)
    before = model(inputs)

    model.save(tmp_path / "model.keras")

    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), before)


def test_functional_model_saves_and_declares_the_real_shape(fields, sequences, masks, tmp_path):
    inputs = (
        keras.Input((FIELDS, DIM)),
        [keras.Input((length, DIM)) for length in LENGTHS],
        [keras.Input((length,), dtype="bool") for length in LENGTHS],
    )
    out = INFNet(2)(*inputs)
    model = keras.Model(inputs, out)

    assert out.shape == (None, 2, DIM)
    before = model((fields, sequences, masks))
    assert before.shape == (ROWS, 2, DIM)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded((fields, sequences, masks)), before)


def test_config_round_trip(fields, sequences, masks):
    layer = INFNet(
        2,
        num_blocks=2,
        num_heads=2,
        num_proxies=(3, 2, 1),
        num_dense_layers=(2, 1, 1),
        pgu_proxies="literal",
        residual=False,
        layer_norm=False,
        share_task_projections=True,
        positions=True,
        without=["cross_attention"],
        dtype="mixed_float16",
        name="part",
    )
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
        ({"num_proxies": 4}, "`num_proxies` must be three integers. Received: num_proxies=4"),
        ({"num_proxies": [4, 0, 2]}, "`num_proxies` must be a positive integer. Received: .*=0"),
        ({"num_dense_layers": [1]}, r"`num_dense_layers` must be three integers. Received: .*\[1"),
        ({"without": ["gates"]}, "`without` must be one of 'task_tokens', 'gated_units', 'cross"),
        ({"without": ["task_tokens", "gated_units"]}, "`without` must leave the task tokens or"),
        ({"pgu_proxies": "old"}, "`pgu_proxies` must be one of 'updated', 'literal'"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        INFNet(**{"num_tasks": 2, **options})


def test_masks_of_keras_embeddings_count(fields, random):
    ids = random.integers(1, 9, (ROWS, 6))
    ids[:, 3:], ids[4] = 0, 0
    sequence = keras.layers.Embedding(9, DIM, mask_zero=True)(ids)
    layer = INFNet(2, num_blocks=1)
    expected = layer(fields, sequence, ids > 0)

    np.testing.assert_array_equal(layer(fields, sequence), expected)
    both = layer(fields, [sequence, fields], [ids > 0, None])
    np.testing.assert_array_equal(layer(fields, [sequence, fields]), both)


def test_inputs_that_do_not_fit(fields, sequences, masks):
    with pytest.raises(ValueError, match="`sequences` must be .* as wide as the tokens, 4. R"):
        INFNet(2)(fields, sequences[0][:, :, :3])
    with pytest.raises(ValueError, match="`sequences_mask` must have one .* 1 masks, 2 seq"):
        INFNet(2)(fields, sequences, masks[0])
    with pytest.raises(ValueError, match=r"`sequences_mask` must be .*=\(5, 4\).*=\(5, 6, 4\)"):
        INFNet(2)(fields, sequences[0], masks[1])
    with pytest.raises(ValueError, match="`sequences` must be `.B, L, D.`"):
        INFNet(2)(fields, sequences[0][:, 0])
    with pytest.raises(ValueError, match="`num_heads` must divide .* num_heads=3, width=4"):
        INFNet(2, num_heads=3)(fields)
    with pytest.raises(ValueError, match="`positions` must be False for a sequence of unknown"):
        INFNet(2, positions=True).build((None, FIELDS, DIM), (None, None, DIM))
