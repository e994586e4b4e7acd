import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.fused_table import FusedTable

SIZES, TABLES = [5, 3, 4], [1, 0, 2, 0]


@pytest.fixture
def layer():
    layer = FusedTable(SIZES, TABLES, 2, initializer="random_normal")
    layer.build((None, len(TABLES)))
    return layer


def tables(layer):
    """The matrix, cut where one table ends and the next begins."""
    return np.split(layer.table.numpy(), np.cumsum(SIZES)[:-1])


def test_every_id_of_every_column(layer):
    ids = np.array([[i % SIZES[t] for t in TABLES] for i in range(5)], "int32")

    expected = [
        [references.lookup(tables(layer)[t], i) for t, i in zip(TABLES, row, strict=True)]
        for row in ids
    ]

    np.testing.assert_array_equal(layer(ids), expected)


@pytest.mark.parametrize("index", [-1, -(2**31), 5, 6, 2**31 - 1])
def test_id_out_of_range_is_unknown(layer, index):
    ids = np.full((1, len(TABLES)), index, "int32")

    rows = np.asarray(layer(ids))

    np.testing.assert_array_equal(rows[0], [tables(layer)[t][2] for t in TABLES])


def test_id_of_the_next_table_is_unknown(layer):
    """Id 3 lies within the first table, but one past the end of the second."""
    rows = np.asarray(layer(np.array([[3, 3, 3, 3]], "int32")))

    np.testing.assert_array_equal(rows[0, 0], tables(layer)[1][2])
    np.testing.assert_array_equal(rows[0, 1], tables(layer)[0][3])


def test_out_of_range_is_unknown_inside_a_graph(layer):
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, 4), tf.int32)])

    ids = np.array([[9, -7, 4, 5]], "int32")

    np.testing.assert_array_equal(graph(ids), layer(ids))


def test_padding_is_zero_and_gets_no_gradient(layer):
    ids = np.array([[0, 0, 0, 4], [0, 3, 0, 0]], "int32")

    with tf.GradientTape() as tape:
        rows = layer(ids)
        total = keras.ops.sum(rows)
    gradient = tf.convert_to_tensor(tape.gradient(total, layer.table.value)).numpy()

    np.testing.assert_array_equal(np.asarray(rows)[ids == 0], 0)
    assert np.flatnonzero(gradient.any(axis=1)).tolist() == [3, 4]


def test_gradient_is_sparse_and_sums_occurrences(layer):
    ids = np.array([[1, 4, 2, 4], [1, 4, 3, 3]], "int32")

    with tf.GradientTape() as tape:
        total = keras.ops.sum(layer(ids))
    gradient = tape.gradient(total, layer.table.value)

    assert isinstance(gradient, tf.IndexedSlices)
    assert gradient.values.shape == (ids.size, 2)
    # Tables start in rows 0, 5 and 8.
    expected = np.zeros((12, 2))
    expected[[4, 3, 5 + 1, 8 + 2, 8 + 3]] = np.array([[3], [1], [2], [1], [1]])
    np.testing.assert_array_equal(tf.convert_to_tensor(gradient), expected)


def test_matrix_is_not_cast_under_mixed_precision():
    layer = FusedTable(SIZES, TABLES, 2, dtype="mixed_float16")
    ids = np.array([[1, 2, 1, 2]], "int32")

    with tf.GradientTape() as tape:
        rows = layer(ids)
        total = keras.ops.sum(rows)

    assert rows.dtype == "float32"
    assert isinstance(tape.gradient(total, layer.table.value), tf.IndexedSlices)


def test_rows_are_gathered_from_the_variable_itself(layer):
    """Reading the whole variable first would copy it before every update in place."""
    graph = tf.function(layer, input_signature=[tf.TensorSpec((None, 4), tf.int32)])

    kinds = {op.type for op in graph.get_concrete_function().graph.get_operations()}

    assert "ResourceGather" in kinds
    assert "ReadVariableOp" not in kinds


def test_keras_does_not_compile_a_training_step_with_a_table(monkeypatch):
    """XLA would make the gradient as large as the table."""
    # Keras compiles nothing by itself where it sees no accelerator.
    gpu = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: [gpu])
    ids = keras.Input((4,), dtype="int32")
    tokens = keras.layers.Flatten()(FusedTable(SIZES, TABLES, 2)(ids))
    plain, with_table = (
        keras.Model(inputs, keras.layers.Dense(1)(x))
        for inputs, x in ((tokens, tokens), (ids, tokens))
    )

    for model in (plain, with_table):
        model.compile("sgd", "mse")

    assert plain.jit_compile
    assert not with_table.jit_compile


def test_some_columns_alone(layer):
    ids = np.array([[2, 4, 3, 1], [0, 9, 1, 2]], "int32")

    np.testing.assert_array_equal(
        layer(ids[:, [0, 3]], columns=[0, 3]), layer(ids).numpy()[:, [0, 3]]
    )
