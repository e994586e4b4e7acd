import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers import FeatureEmbedding, Field

NAN = float("nan")
# Kinds, widths and a shared table interleaved, so that every token has to find its place.
FIELDS = [
    Field(name="history", kind="sequence", length=3, table="item"),
    Field(name="price", kind="numeric"),
    Field(name="user", kind="categorical", vocabulary_size=7, embedding_dim=2),
    Field(name="item", kind="categorical", vocabulary_size=6),
    Field(name="tags", kind="multi_valued", vocabulary_size=5, length=2, embedding_dim=2),
    Field(name="age", kind="numeric"),
    Field(name="hour", kind="categorical", vocabulary_size=5),
]
INPUTS = {
    # user, item, hour
    "ids": np.array([[3, 5, 4], [99, -1, 1], [0, 2, 5], [1, 4, 0]], "int32"),
    # three of history, two of tags
    "sequences": np.array(
        [[3, 4, 0, 3, 4], [0, 0, 0, 0, 0], [5, 5, 77, 1, 0], [0, 3, 0, -4, 2]], "int32"
    ),
    "values": np.array([[0.5, NAN], [-3.0, 2.0], [0.0, 1e4], [NAN, NAN]], "float32"),
}


def tables_by_field(layer):
    """The table of every field that owns one, cut out of the fused matrices.

    A matrix holds the tables of one width, those of categorical fields before those of lists.
    """
    tables = {}
    for fused in layer.tables:
        owners = [
            field
            for field in sorted(layer.fields, key=lambda f: f.is_list)
            if field.kind != "numeric"
            and not field.table
            and (field.embedding_dim or layer.embedding_dim) == fused.dim
        ]
        edges = np.cumsum([owner.vocabulary_size for owner in owners])
        parts = np.split(fused.table.numpy().astype("float64"), edges[:-1])
        tables |= {owner.name: part for owner, part in zip(owners, parts, strict=True)}
    return tables


def reference(layer, inputs):
    return references.feature_embedding(
        layer.fields,
        inputs,
        tables_by_field(layer),
        layer.numbers.vectors.numpy() if "values" in inputs else None,
        layer.numbers.missing.numpy() if "values" in inputs else None,
        {int(dim): kernel.kernel.numpy() for dim, kernel in layer.projections.items()},
    )


def categorical(name="a", **options):
    return Field(name=name, kind="categorical", **{"vocabulary_size": 6, **options})


def sequence(name="s", **options):
    return Field(name=name, kind="sequence", **{"vocabulary_size": 6, "length": 4, **options})


def ids(*rows):
    return np.array(rows, "int32")


@pytest.fixture
def layer(randomize):
    layer = FeatureEmbedding(FIELDS, 4)
    layer.build({name: matrix.shape for name, matrix in INPUTS.items()})
    randomize(layer)
    return layer


def test_every_kind_together_equals_the_equations(layer):
    tokens = layer(INPUTS)

    np.testing.assert_allclose(tokens, reference(layer, INPUTS), rtol=1e-5, atol=1e-5)


def test_graph_of_unknown_batch_equals_the_equations(layer):
    signature = {
        name: tf.TensorSpec((None, matrix.shape[1]), matrix.dtype)
        for name, matrix in INPUTS.items()
    }

    tokens = tf.function(layer, input_signature=[signature])(INPUTS)

    np.testing.assert_allclose(tokens, reference(layer, INPUTS), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "keys",
    [["ids"], ["sequences"], ["values"], ["ids", "sequences"], ["sequences", "values"]],
    ids="+".join,
)
@pytest.mark.parametrize("dim", [1, 4])
def test_some_kinds_alone(randomize, keys, dim):
    kinds = {
        "ids": ("categorical",),
        "sequences": ("multi_valued", "sequence"),
        "values": ("numeric",),
    }
    wanted = [kind for key in keys for kind in kinds[key]]
    # Without the item's table the history gets one of its own.
    history = sequence("history", length=3)
    fields = [f for f in [history, *FIELDS[1:]] if f.kind in wanted]
    inputs = {key: INPUTS[key] for key in keys}
    layer = FeatureEmbedding(fields, dim)
    layer.build({name: matrix.shape for name, matrix in inputs.items()})
    randomize(layer)

    tokens = layer(inputs)

    assert tokens.shape == (4, len(fields), dim)
    np.testing.assert_allclose(tokens, reference(layer, inputs), rtol=1e-5, atol=1e-5)


def test_order_of_fields_is_the_order_of_tokens(layer):
    """The same fields in another order, with the same weights."""
    order = [4, 2, 6, 3, 0, 5, 1]
    moved = FeatureEmbedding([FIELDS[i] for i in order], 4)
    # Tags before history, hour before item, age before price.
    inputs = {
        "ids": INPUTS["ids"][:, [0, 2, 1]],
        "sequences": INPUTS["sequences"][:, [3, 4, 0, 1, 2]],
        "values": INPUTS["values"][:, ::-1],
    }
    moved.build({name: matrix.shape for name, matrix in inputs.items()})
    by_name = tables_by_field(layer)
    for fused in moved.tables:
        names = ["user", "tags"] if fused.dim == 2 else ["hour", "item"]
        fused.table.assign(np.concatenate([by_name[name] for name in names]))
    moved.projections["2"].kernel.assign(layer.projections["2"].kernel)
    moved.numbers.vectors.assign(layer.numbers.vectors.numpy()[::-1])
    moved.numbers.missing.assign(layer.numbers.missing.numpy()[::-1])

    np.testing.assert_allclose(moved(inputs), np.asarray(layer(INPUTS))[:, order], atol=1e-6)


def test_list_is_the_mean_of_its_single_lookups():
    fields = [categorical(), sequence(table="a", vocabulary_size=0)]
    layer = FeatureEmbedding(fields, 3)

    def tokens(single, several):
        return np.asarray(layer({"ids": ids([single]), "sequences": ids(several)}))[0]

    singles = [tokens(i, [0, 0, 0, 0])[0] for i in (3, 5, 5)]

    np.testing.assert_allclose(tokens(1, [3, 5, 5, 0])[1], np.mean(singles, axis=0), rtol=1e-6)


@pytest.mark.parametrize("row", [[3, 4, 0, 0], [0, 0, 3, 4], [4, 0, 0, 3], [4, 0, 3, 0]])
def test_padding_is_ignored_wherever_it_stands(row):
    layer = FeatureEmbedding([sequence()], 3)

    whole = layer({"sequences": ids([3, 4, 3, 4])})

    np.testing.assert_allclose(layer({"sequences": ids(row)}), whole, rtol=1e-6)
    assert np.abs(whole).sum() > 0


def test_list_of_padding_alone_is_zero_with_finite_gradient():
    layer = FeatureEmbedding([sequence(embedding_dim=2)], 3)

    with tf.GradientTape() as tape:
        tokens = layer({"sequences": ids([0, 0, 0, 0], [0, 0, 0, 0])})
        total = keras.ops.sum(keras.ops.square(tokens - 1.0))
    gradient = tape.gradient(total, layer.tables[0].table.value)

    np.testing.assert_array_equal(tokens, np.zeros((2, 1, 3)))
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient), np.zeros((6, 2)))


def test_missing_and_unknown_are_tokens_of_their_own():
    layer = FeatureEmbedding([categorical()], 3)

    missing, unknown, value, absent = np.asarray(layer({"ids": ids([1], [2], [3], [0])}))[:, 0]

    assert not np.allclose(missing, unknown) and not np.allclose(unknown, value)
    np.testing.assert_array_equal(absent, np.zeros(3))


@pytest.mark.parametrize("index", [-1, 6, 2**31 - 1, -(2**31)])
def test_id_out_of_range_is_unknown(index):
    layer = FeatureEmbedding([categorical(), categorical("b"), sequence()], 3)
    bad = {"ids": ids([index, index]), "sequences": ids([3, index, 0, 0])}
    unknown = {"ids": ids([2, 2]), "sequences": ids([3, 2, 0, 0])}

    np.testing.assert_array_equal(layer(bad), layer(unknown))


def test_shared_table_is_one_table():
    fields = [sequence("s", table="a", vocabulary_size=0), categorical()]
    layer = FeatureEmbedding(fields, 3)

    history, item = layer({"ids": ids([4]), "sequences": ids([4, 0, 0, 0])})[0]

    np.testing.assert_array_equal(history, item)
    assert layer.count_params() == 6 * 3


def test_other_width_is_projected_without_bias():
    layer = FeatureEmbedding([categorical(embedding_dim=2), categorical("b")], 3)

    tokens = np.asarray(layer({"ids": ids([4, 3])}))[0]

    table = tables_by_field(layer)["a"]
    np.testing.assert_allclose(tokens[0], table[4] @ layer.projections["2"].kernel, rtol=1e-5)
    assert layer.count_params() == 6 * 2 + 2 * 3 + 6 * 3


def test_fields_of_one_width_share_a_projection():
    fields = [categorical(embedding_dim=2), categorical("b", embedding_dim=2)]
    layer = FeatureEmbedding(fields, 3)
    layer.build({"ids": (None, 2)})

    assert layer.count_params() == 2 * 6 * 2 + 2 * 3


def test_parameters_of_every_kind(layer):
    # item and hour; user and tags, with their projection; v and m of price and age
    assert layer.count_params() == (6 + 5) * 4 + (7 + 5) * 2 + 2 * 4 + 2 * 2 * 4


def test_gradient_is_sparse_and_reaches_the_active_rows_only(layer):
    with tf.GradientTape() as tape:
        total = keras.ops.sum(keras.ops.square(layer(INPUTS) - 1.0))
    variables = layer.trainable_variables
    gradients = dict(
        zip(
            (v.path.split("/")[-2] for v in variables),
            tape.gradient(total, [v.value for v in variables]),
            strict=True,
        )
    )

    rows = {}
    for name in ("tables_2", "tables_4"):
        assert isinstance(gradients[name], tf.IndexedSlices)
        dense = tf.convert_to_tensor(gradients[name]).numpy()
        rows[name] = np.flatnonzero(dense.any(axis=1)).tolist()
    # user 1, 3 and the unknown 2 of 99; then tags from row 7
    assert rows["tables_2"] == [1, 2, 3, 7 + 1, 7 + 2, 7 + 3, 7 + 4]
    # item and history 2, 3, 4 and 5; then hour 1, 4 and the unknown 2 of 5 from row 6
    assert rows["tables_4"] == [2, 3, 4, 5, 6 + 1, 6 + 2, 6 + 4]
    assert np.isfinite(gradients["numbers"]).all() and np.abs(gradients["numbers"]).sum() > 0


def test_l2_is_of_the_rows_looked_up():
    fields = [
        categorical(),
        sequence(table="a", vocabulary_size=0),
        Field(name="x", kind="numeric"),
    ]
    layer = FeatureEmbedding(fields, 3, embeddings_l2=0.1)
    inputs = {
        "ids": ids([4], [0]),
        "sequences": ids([4, 5, 0, 0], [5, 5, 0, 9]),
        "values": np.ones((2, 1), "float32"),
    }

    layer(inputs, training=True)

    square = np.sum(tables_by_field(layer)["a"] ** 2, axis=1)
    first, second = square[4] + square[4] + square[5], square[5] + square[5] + square[2]
    (loss,) = layer.losses
    assert float(loss) == pytest.approx(0.1 * (first + second) / 2, rel=1e-5)


def test_l2_of_several_widths_adds_up(randomize):
    layer = FeatureEmbedding([categorical(embedding_dim=2), categorical("b")], 3, embeddings_l2=0.5)
    layer.build({"ids": (None, 2)})
    randomize(layer)

    layer({"ids": ids([4, 5])}, training=True)

    tables = tables_by_field(layer)
    expected = 0.5 * (np.sum(tables["a"][4] ** 2) + np.sum(tables["b"][5] ** 2))
    assert float(sum(layer.losses)) == pytest.approx(expected, rel=1e-5)


def test_l2_is_of_training_only():
    layer = FeatureEmbedding([categorical()], 3, embeddings_l2=0.1)

    layer({"ids": ids([4])})

    assert layer.losses == []


def test_gradient_of_l2_is_sparse():
    layer = FeatureEmbedding([categorical(vocabulary_size=50)], 3, embeddings_l2=0.1)
    layer.build({"ids": (None, 1)})

    with tf.GradientTape() as tape:
        layer({"ids": ids([4], [7])}, training=True)
        total = sum(layer.losses)
    gradient = tape.gradient(total, layer.tables[0].table.value)

    assert isinstance(gradient, tf.IndexedSlices)
    table = layer.tables[0].table.numpy()
    # 2 · 0.1 · e, over two rows
    np.testing.assert_allclose(gradient.values, 0.1 * table[[4, 7]], rtol=1e-5)


def test_dropout_is_active_in_training_only():
    layer = FeatureEmbedding([categorical()], 400, embeddings_initializer="ones", dropout=0.25)
    inputs = {"ids": ids([4])}

    dropped = np.asarray(layer(inputs, training=True)).ravel()

    np.testing.assert_array_equal(layer(inputs), np.ones((1, 1, 400)))
    assert np.unique(dropped) == pytest.approx([0, 4 / 3])
    assert np.mean(dropped > 0) == pytest.approx(0.75, abs=0.1)


def test_deterministic_without_dropout(layer):
    np.testing.assert_array_equal(layer(INPUTS, training=True), layer(INPUTS))


def test_tables_of_one_initializer_start_different():
    fields = [categorical(embedding_dim=2), categorical("b"), Field(name="x", kind="numeric")]
    layer = FeatureEmbedding(fields, 3, embeddings_initializer=keras.initializers.RandomNormal())
    layer.build({"ids": (None, 2), "values": (None, 1)})

    drawn = [weight.numpy().ravel() for weight in layer.weights]

    firsts = [row[0] for row in drawn]
    assert len(set(firsts)) == len(firsts) == 5


def test_numbers_reach_the_product_in_float32():
    layer = FeatureEmbedding(
        [Field(name="x", kind="numeric")],
        1,
        embeddings_initializer=keras.initializers.Constant(1e-3),
        dtype="mixed_float16",
    )

    tokens = layer({"values": np.array([[1e6]], "float32")})

    # As a half the number itself would be infinite.
    assert tokens.dtype == "float16"
    assert float(tokens[0, 0, 0]) == pytest.approx(1e3, rel=1e-3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([], r"`fields` must have unique names, at least one. Received: \[\]"),
        ([categorical(), categorical()], r"unique names, at least one. Received: \['a', 'a'\]"),
        (
            [categorical(table="b")],
            "`table` must name a field that has a table of its own. "
            "Received: table='b' of field 'a'",
        ),
        ([categorical(table="b"), categorical("b", table="a")], "`table` must name a field"),
        ([categorical(table="x"), Field(name="x", kind="numeric")], "`table` must name a field"),
        (
            [categorical(), categorical("b", table="a", vocabulary_size=9)],
            "`vocabulary_size` must be 0 or equal that of the shared table 'a'. "
            "Received: vocabulary_size=9 of field 'b'",
        ),
        (
            [categorical(), categorical("b", table="a", embedding_dim=9)],
            "`embedding_dim` must be 0 or equal that of the shared table 'a'. "
            "Received: embedding_dim=9 of field 'b'",
        ),
    ],
)
def test_fields_that_do_not_fit_together(fields, message):
    with pytest.raises(ValueError, match=message):
        FeatureEmbedding(fields, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embedding_dim": 0}, "`embedding_dim` must be a positive integer. Received"),
        ({"embeddings_l2": -0.1}, "`embeddings_l2` must not be negative. Received: .*=-0.1"),
        ({"dropout": 1}, r"`dropout` must lie in \[0, 1\). Received: dropout=1"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        FeatureEmbedding([categorical()], **{"embedding_dim": 3, **options})


@pytest.mark.parametrize(
    "shapes",
    [
        {"ids": (None, 1)},
        {"ids": (None, 2), "values": (None, 1)},
        {"ids": (None, 1), "values": (None, 1), "sequences": (None, 2)},
        {"values": (None, 1)},
    ],
)
def test_input_that_does_not_fit_the_fields(shapes):
    layer = FeatureEmbedding([categorical(), Field(name="x", kind="numeric")], 3)

    with pytest.raises(
        ValueError, match=r"must have the widths of the fields, \{'ids': 1, 'values': 1\}. Received"
    ):
        layer.build(shapes)


def test_sequences_that_are_not_pooled_are_rows_of_the_shared_table(layer):
    unpooled = FeatureEmbedding(FIELDS, 4, pool_sequences=False)
    unpooled.build({key: x.shape for key, x in INPUTS.items()})
    for weight, value in zip(unpooled.weights, layer.weights, strict=True):
        weight.assign(value)

    out, pooled = unpooled(INPUTS), np.asarray(layer(INPUTS))

    np.testing.assert_allclose(out["tokens"], pooled[:, 1:], rtol=1e-6)
    np.testing.assert_array_equal(out["masks"]["history"], INPUTS["sequences"][:, :3] != 0)
    kept = np.asarray(out["masks"]["history"])[..., None]
    mean = np.sum(out["sequences"]["history"] * kept, 1) / np.maximum(kept.sum(1), 1)
    np.testing.assert_allclose(mean, pooled[:, 0], rtol=1e-5, atol=1e-6)


def test_symbolic_output_without_pooling_has_the_shapes_and_types_of_the_real_one():
    inputs = {key: keras.Input(x.shape[1:], dtype=x.dtype) for key, x in INPUTS.items()}
    unpooled = FeatureEmbedding(FIELDS, 4, pool_sequences=False)

    symbolic = keras.tree.map_structure(lambda x: (x.shape[1:], x.dtype), unpooled(inputs))

    real = keras.tree.map_structure(lambda x: (x.shape[1:], x.dtype.name), unpooled(INPUTS))
    assert symbolic == real


def test_sequences_alone_leave_no_token():
    with pytest.raises(ValueError, match="`pool_sequences` must be True where every field"):
        FeatureEmbedding(
            [Field(name="a", kind="sequence", length=2, vocabulary_size=4)], 2, pool_sequences=False
        )


RICH = [
    Field(name="history", kind="sequence", length=3, table="item", combiner="max"),
    Field(name="price", kind="numeric", numeric={"kind": "bottom_mlp", "units": [3]}),
    Field(name="user", kind="categorical", vocabulary_size=7, buckets=3),
    Field(name="item", kind="categorical", vocabulary_size=6, trainable=False),
    Field(
        name="tags", kind="multi_valued", vocabulary_size=5, length=2, embedding_dim=2,
        combiner="sqrtn", trainable=False,
    ),
    Field(name="age", kind="numeric", numeric={"kind": "bottom_mlp", "units": [3]}),
    Field(name="hour", kind="categorical", vocabulary_size=5, embedding_dim=2),
]  # fmt: skip


@pytest.fixture
def rich(randomize):
    layer = FeatureEmbedding(RICH, 4, embeddings_l2=0.1)
    layer.build({name: matrix.shape for name, matrix in INPUTS.items()})
    randomize(layer)
    return layer


def test_tables_of_several_kinds_are_read_each_by_its_own(rich):
    hour, tags, user, item = rich.tables
    names = ["tables_2", "tables_2_frozen", "tables_4_multiply", "tables_4_frozen"]
    assert [table.name for table in rich.tables] == names
    ids, sequences = INPUTS["ids"], INPUTS["sequences"]
    project = rich.projections["2"]
    items = item(np.concatenate([ids[:, 1:2], sequences[:, :3]], axis=1))
    largest = np.where(sequences[:, :3, None] != 0, items[:, 1:], -np.inf).max(axis=1)
    counts = np.maximum((sequences[:, 3:] != 0).sum(axis=1), 1)[:, None]

    tokens = np.asarray(rich(INPUTS))

    assert rich.token_names == ["history", "price", "user", "item", "tags", "hour"]
    expected = [
        np.where(np.isfinite(largest), largest, 0),
        rich.numbers(INPUTS["values"])[:, 0],
        user(ids[:, :1])[:, 0],
        items[:, 0],
        np.sum(project(tags(sequences[:, 3:])), axis=1) / np.sqrt(counts),
        project(hour(ids[:, 2:]))[:, 0],
    ]
    np.testing.assert_allclose(tokens, np.stack(expected, axis=1), rtol=1e-5, atol=1e-6)


def test_tables_of_several_kinds_have_sparse_gradients_or_none(rich):
    with tf.GradientTape() as tape:
        total = keras.ops.sum(rich(INPUTS, training=True) ** 2) + sum(rich.losses)
    variables = [v for v in rich.trainable_variables if v.path.endswith("/table")]
    gradients = tape.gradient(total, [v.value for v in variables])

    assert [v.path.split("/")[-2] for v in variables] == ["tables_2", "tables_4_multiply"]
    assert all(isinstance(gradient, tf.IndexedSlices) for gradient in gradients)


def test_rows_are_assigned_in_the_table_of_a_field(rich):
    before = rich.tables[3].table.numpy()

    rich.assign_rows("item", np.array([5, 3]), np.array([[1.0] * 4, [2.0] * 4]))

    after = rich.tables[3].table.numpy()
    np.testing.assert_array_equal(after[[5, 3]], [[1.0] * 4, [2.0] * 4])
    np.testing.assert_array_equal(after[[0, 1, 2, 4]], before[[0, 1, 2, 4]])


def test_combiner_of_a_sequence_without_a_token():
    fields = [categorical(), sequence(combiner="sum")]

    with pytest.raises(ValueError, match="`combiner` must be left out for a sequence .*'s'"):
        FeatureEmbedding(fields, 3, pool_sequences=False)


def test_weighted_fields_read_their_own_columns(randomize):
    fields = [
        sequence("history", length=2),
        Field(name="tags", kind="multi_valued", vocabulary_size=6, length=2, weighted=True),
        Field(
            name="words",
            kind="multi_valued",
            vocabulary_size=6,
            length=1,
            embedding_dim=2,
            weighted=True,
            combiner="sum",
        ),
    ]
    layer = FeatureEmbedding(fields, 3)
    inputs = {"sequences": ids([3, 4, 3, 4, 5]), "weights": np.array([[1.0, 3.0, 0.5]], "float32")}
    layer.build({name: matrix.shape for name, matrix in inputs.items()})
    randomize(layer)

    history, tags, words = np.asarray(layer(inputs))[0]

    tables = tables_by_field(layer)
    np.testing.assert_allclose(history, tables["history"][3:5].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(tags, (tables["tags"][3] + 3 * tables["tags"][4]) / 4, rtol=1e-5)
    kernel = layer.projections["2"].kernel.numpy()
    np.testing.assert_allclose(words, 0.5 * tables["words"][5] @ kernel, rtol=1e-5)


OWNERS = {"ids": ["user", "item", "hour"], "sequences": ["history"] * 3 + ["tags"] * 2}


@pytest.mark.parametrize("shared", [["history", "item", "hour"], ["tags"], ["user"]])
def test_fields_that_are_alike_are_looked_up_in_the_first_row(layer, shared):
    rows = {name: matrix.copy() for name, matrix in INPUTS.items()}
    columns = [
        rows[name][:, place]
        for name, owners in OWNERS.items()
        for place, owner in enumerate(owners)
        if owner in shared
    ]
    for column in columns:
        column[1:] = column[0]
    expected = layer(rows)
    for column in columns:
        column[1:] = 0  # never read

    np.testing.assert_allclose(layer(rows, shared=shared), expected, atol=1e-6)


def test_numbers_are_embedded_once_where_all_are_alike(layer):
    rows = {name: np.repeat(matrix[:1], 2, axis=0) for name, matrix in INPUTS.items()}
    expected = layer(rows)
    rows["values"][1] = 5.0

    np.testing.assert_allclose(layer(rows, shared=["price", "age"]), expected, atol=1e-6)
    assert np.abs(layer(rows, shared=["price"]) - expected).max() > 0.01


def test_sequence_that_is_alike_keeps_one_row_where_it_is_not_pooled():
    layer = FeatureEmbedding(FIELDS, 4, pool_sequences=False)
    rows = {name: np.repeat(matrix[:1], 3, axis=0) for name, matrix in INPUTS.items()}
    full = layer(rows)

    shared = layer(rows, shared=["history"])

    np.testing.assert_allclose(shared["sequences"]["history"], full["sequences"]["history"][:1])
    np.testing.assert_array_equal(shared["masks"]["history"], full["masks"]["history"][:1])
    np.testing.assert_allclose(shared["tokens"], full["tokens"])
