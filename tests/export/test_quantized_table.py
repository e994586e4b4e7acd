import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.export.quantized_table import QuantizedTable, shrinks


def test_numbers_are_off_by_half_a_step_of_their_own_row():
    """Rows of very different size: a scale for the whole table would lose the small ones."""
    random = np.random.default_rng(0)
    matrix = random.normal(size=(500, 16)) * 10.0 ** random.uniform(-6, 3, (500, 1))
    table = QuantizedTable(matrix.astype(np.float32))

    gap = np.abs(table.matrix() - matrix)

    largest = np.abs(matrix).max(axis=1, keepdims=True)
    assert (gap <= largest / 254 * 1.001).all()
    np.testing.assert_allclose(np.abs(table.matrix()).max(axis=1), largest[:, 0], rtol=1e-6)


def test_rows_are_gathered_in_any_shape():
    table = QuantizedTable(np.eye(4, dtype=np.float32)[:, :3])

    found = table(tf.constant([[0, 3], [2, 2]]))

    assert found.dtype == tf.float32
    np.testing.assert_allclose(found[0], [[1, 0, 0], [0, 0, 0]], atol=1e-7)
    np.testing.assert_allclose(found[1], [[0, 0, 1], [0, 0, 1]], atol=1e-7)


def test_what_is_stored_is_int8_and_a_scale():
    table = QuantizedTable(np.ones((7, 5), np.float32))

    assert [(v.dtype, v.shape.as_list()) for v in table.variables] == [
        (tf.int8, [7, 5]),
        (tf.float32, [7]),
    ]


@pytest.mark.parametrize(("dim", "expected"), [(1, False), (2, True), (16, True)])
def test_rows_of_one_number_take_less_room_as_they_are(dim, expected):
    assert shrinks(dim) is expected
