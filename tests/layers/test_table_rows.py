import keras
import numpy as np
import pytest

from ctrmoe.layers import FeatureEmbedding, Field
from ctrmoe.layers.table_rows import reading_tables


@pytest.fixture
def layer():
    """A table as it is and a composed one."""
    fields = [
        Field(name="a", kind="categorical", vocabulary_size=9),
        Field(name="b", kind="categorical", vocabulary_size=9, buckets=3, operation="add"),
    ]
    layer = FeatureEmbedding(fields, 2)
    layer.build({"ids": (None, 2)})
    return layer


def test_reader_reads_every_table_within_the_block(layer):
    ids = {"ids": np.array([[3, 4], [0, 5]], np.int32)}
    before = layer(ids)
    read = []

    def reader(table, rows):
        read.append(table.path)
        return keras.ops.full((*rows.shape, 2), 2.0)

    with reading_tables(reader):
        within = layer(ids)

    assert sorted(read) == sorted(table.table.path for table in layer.tables)
    np.testing.assert_array_equal(within, [[[2, 2], [4, 4]], [[0, 0], [4, 4]]])
    np.testing.assert_array_equal(layer(ids), before)


def test_error_within_the_block_ends_it(layer):
    ids = {"ids": np.array([[3, 4]], np.int32)}

    def reader(table, rows):
        raise ValueError("no such rows")

    with pytest.raises(ValueError, match="no such rows"), reading_tables(reader):
        layer(ids)
    assert layer(ids).shape == (1, 2, 2)
