import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.export.core import in_buckets

BUCKETS = (1, 4, 8)


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [(0, [1]), (1, [1]), (2, [4]), (4, [4]), (5, [8]), (8, [8]), (9, [8, 8]), (17, [8, 8, 8])],
)
def test_function_meets_bucket_sizes_alone(rows, sizes):
    """Rows beyond the largest bucket are answered in parts; padding rows are not returned."""
    seen = []

    def answer(part):
        seen.append(len(part["ids"]))
        total = tf.reduce_sum(part["ids"], axis=1)
        return {"sum": tf.cast(total, tf.float32), "value": part["values"][:, 0]}

    ids = np.arange(rows * 2, dtype="int32").reshape(rows, 2)
    values = np.arange(rows, dtype="float32")[:, None]
    packed = {"ids": tf.constant(ids), "values": tf.constant(values)}

    found = in_buckets(answer, packed, ["sum", "value"], BUCKETS)

    assert seen == sizes
    np.testing.assert_array_equal(found["sum"], ids.sum(axis=1))
    np.testing.assert_array_equal(found["value"], values[:, 0])
