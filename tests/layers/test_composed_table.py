import keras
import numpy as np
import pytest
import references
import tensorflow as tf

from ctrmoe.layers.composed_table import OPERATIONS, ComposedTable

# Two tables of 10 and 7 ids; the second is read by two columns.
SIZES, BUCKETS, COLUMNS = [10, 7], [4, 3], [0, 1, 1]
QUOTIENTS = [3, 3]


def table(operation="multiply", dim=4, **options):
    layer = ComposedTable(SIZES, BUCKETS, COLUMNS, dim, operation=operation, **options)
    layer.build((None, 3))
    return layer


def parts(layer):
    """Remainders and quotients of each field: those of all fields come first."""
    cuts = np.cumsum([*BUCKETS, *QUOTIENTS])[:-1]
    matrices = np.split(layer.table.numpy().astype("float64"), cuts)
    return list(zip(matrices[:2], matrices[2:], strict=True))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_equals_the_equation(randomize, operation):
    layer = table(operation)
    randomize(layer)
    ids = np.array([[1, 1, 2], [9, 6, 0], [4, 3, 5], [0, 0, 6], [10, -1, 7]], "int32")

    rows = np.asarray(layer(ids))

    for b, row in enumerate(ids):
        for c, index in enumerate(row):
            known = index if 0 <= index < SIZES[COLUMNS[c]] else 2
            expected = references.quotient_remainder(known, *parts(layer)[COLUMNS[c]], operation)
            np.testing.assert_allclose(rows[b, c], expected * (index != 0), rtol=1e-6)


def test_id_by_hand():
    """Of 4 buckets, id 9 has the remainder 1 and the quotient 2."""
    layer = ComposedTable([10], [4], [0], 1)
    layer.build((None, 1))
    layer.table.assign([[2.0], [3.0], [5.0], [7.0], [11.0], [13.0], [17.0]])

    rows = np.asarray(layer(np.array([[9], [0], [1], [4]], "int32"))).ravel()

    np.testing.assert_array_equal(rows, [3 * 17, 0, 3 * 11, 2 * 13])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_id_has_an_embedding_of_its_own(operation):
    layer = table(operation)

    rows = np.asarray(layer(np.stack([np.arange(1, 7)] * 3, axis=1).astype("int32")))

    for column in range(3):
        distances = np.abs(rows[:, None, column] - rows[None, :, column]).max(axis=-1)
        assert distances[~np.eye(6, dtype=bool)].min() > 1e-4


@pytest.mark.parametrize(("operation", "width"), [("add", 4), ("concatenate", 2), ("multiply", 4)])
def test_number_of_parameters(operation, width):
    assert table(operation).count_params() == (sum(BUCKETS) + sum(QUOTIENTS)) * width


@pytest.mark.parametrize("operation", OPERATIONS)
def test_gradient_is_sparse_and_reaches_the_rows_read_only(operation):
    layer = table(operation)
    ids = np.array([[9, 0, 0], [9, 3, 4]], "int32")

    with tf.GradientTape() as tape:
        total = keras.ops.sum(keras.ops.square(layer(ids) - 1.0))
    gradient = tape.gradient(total, layer.table.value)

    assert isinstance(gradient, tf.IndexedSlices)
    dense = tf.convert_to_tensor(gradient).numpy()
    # remainder 1 of 9; 0 and 1 of 3 and 4 from row 4; quotient 2 from row 7, 1 from row 10
    assert np.flatnonzero(dense.any(axis=1)).tolist() == [1, 4, 5, 7 + 2, 10 + 1]


def test_products_start_at_the_scale_of_the_initializer():
    plain, layer = (
        ComposedTable([400], [20], [0], 8, operation=operation) for operation in ("add", "multiply")
    )
    ids = np.arange(1, 400, dtype="int32")[:, None]

    scales = [np.abs(np.asarray(table(ids))).mean() for table in (plain, layer)]

    assert 0.02 < min(scales) and max(scales) < 0.05


def test_rows_are_gathered_from_the_variable_itself():
    graph = tf.function(table(), input_signature=[tf.TensorSpec((None, 3), tf.int32)])

    kinds = {op.type for op in graph.get_concrete_function().graph.get_operations()}

    assert "ResourceGather" in kinds and "ReadVariableOp" not in kinds


def test_row_alone_is_the_row_in_a_batch(random):
    layer, ids = table(), random.integers(0, 7, (6, 3)).astype("int32")

    np.testing.assert_array_equal(layer(ids)[2:3], layer(ids[2:3]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"operation": "divide"}, "`operation` must be one of 'add', .* Received: .*'divide'"),
        ({"operation": "concatenate", "dim": 3}, "`dim` must be even for 'concatenate'. .*dim=3"),
    ],
)
def test_option_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        table(**options)


def test_some_columns_alone(randomize):
    layer = table()
    randomize(layer)
    ids = np.array([[9, 6, 0], [10, 1, 2]], "int32")

    np.testing.assert_array_equal(
        layer(ids[:, [0, 2]], columns=[0, 2]), layer(ids).numpy()[:, [0, 2]]
    )
