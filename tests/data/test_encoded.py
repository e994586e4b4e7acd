import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ctrmoe.data import encoded as module
from ctrmoe.data.encoded import (
    EncodedWriter,
    arrow_schema,
    list_row_groups,
    read_encoded,
    read_labels,
)
from ctrmoe.schema import Feature, Schema, SchemaError, Task

SCHEMA = Schema(
    name="t",
    tasks=(Task(name="click"), Task(name="buy")),
    features=(
        Feature(name="b", kind="categorical"),
        Feature(name="h", kind="sequence", max_length=3),
        Feature(name="x", kind="numeric"),
        Feature(name="a", kind="categorical"),
        Feature(name="t", kind="categorical", max_length=2),
        Feature(name="q", kind="numeric", transform="quantile"),
    ),
    domain="a",
)


def arrays(first, rows):
    """Rows whose content says where they stand."""
    number = np.arange(first, first + rows, dtype=np.int32)
    features = {
        "b": number,
        "h": np.stack([number, number + 1, number + 2], axis=1),
        "x": number.astype(np.float32) / 2,
        "a": number + 10,
        "t": np.stack([number, -number], axis=1),
        "q": number + 20,
        "domain:id": number % 7,
    }
    labels = {"click": (number % 2).astype(np.int8), "buy": (number % 3 == 0).astype(np.int8)}
    return features, labels


@pytest.fixture
def part(tmp_path, monkeypatch):
    """95 rows in row groups of 10 and files of 40, written in chunks of uneven size."""
    monkeypatch.setattr(module, "ROW_GROUP_ROWS", 10)
    monkeypatch.setattr(module, "FILE_ROWS", 40)
    first = 0
    with EncodedWriter(tmp_path / "train", SCHEMA) as writer:
        for rows in (3, 0, 37, 25, 1, 29):
            writer.write(*arrays(first, rows))
            first += rows
    return tmp_path / "train"


def test_writer_fills_row_groups_and_files(part):
    groups = list_row_groups(part)

    assert [group.rows for group in groups] == [10] * 9 + [5]
    assert [(group.path.name, group.index) for group in groups[3:5]] == [
        ("part-00000.parquet", 3),
        ("part-00001.parquet", 0),
    ]
    assert sorted(path.name for path in part.iterdir()) == [
        f"part-0000{n}.parquet" for n in range(3)
    ]


def test_rows_come_back_packed_and_in_order(part):
    chunks = list(read_encoded(part, SCHEMA))

    number = np.arange(95)
    packed = {
        name: np.concatenate([getattr(chunk, name) for chunk, _ in chunks])
        for name in ("ids", "sequences", "values", "domain")
    }
    np.testing.assert_array_equal(packed["ids"], np.stack([number, number + 10, number + 20], 1))
    np.testing.assert_array_equal(
        packed["sequences"], np.stack([number, number + 1, number + 2, number, -number], 1)
    )
    np.testing.assert_array_equal(packed["values"], number[:, None] / 2)
    np.testing.assert_array_equal(packed["domain"], number % 7)
    for task, divisor in (("click", 2), ("buy", 3)):
        labels = np.concatenate([labels[task] for _, labels in chunks])
        expected = number % 2 if divisor == 2 else number % 3 == 0
        np.testing.assert_array_equal(labels, expected)
        assert labels.dtype == np.int8
    for name, dtype in (("ids", "int32"), ("sequences", "int32"), ("values", "float32")):
        assert packed[name].dtype == dtype
        assert all(getattr(chunk, name).flags.c_contiguous for chunk, _ in chunks)


def test_shards_share_the_row_groups(part):
    firsts = [
        [int(chunk.ids[0, 0]) for chunk, _ in read_encoded(part, SCHEMA, shard=(number, 3))]
        for number in range(3)
    ]

    assert firsts == [[0, 30, 60, 90], [10, 40, 70], [20, 50, 80]]


def test_row_groups_are_read_in_the_order_given(part):
    groups = list_row_groups(part)

    chunks = read_encoded(part, SCHEMA, row_groups=[groups[7], groups[0], groups[9]])

    assert [int(chunk.ids[0, 0]) for chunk, _ in chunks] == [70, 0, 90]


def test_read_labels_reads_those_of_one_row_group(part):
    labels = read_labels(list_row_groups(part)[1], SCHEMA)

    np.testing.assert_array_equal(labels["click"], np.arange(10, 20) % 2)
    np.testing.assert_array_equal(labels["buy"], np.arange(10, 20) % 3 == 0)


def test_columns_have_the_types_of_the_format(part):
    table = pq.read_table(part / "part-00000.parquet")

    assert table.schema.equals(arrow_schema(SCHEMA))
    assert table.schema.names == [
        "b",
        "h",
        "x",
        "a",
        "t",
        "q",
        "label:click",
        "label:buy",
        "domain:id",
    ]
    assert table.schema.field("h").type == pa.list_(
        pa.field("element", pa.int32(), nullable=False), 3
    )
    assert table.schema.field("q").type == pa.int32()
    assert table.schema.field("label:buy").type == pa.int8()


def test_folder_without_encoded_table_is_refused(tmp_path):
    with pytest.raises(SchemaError, match="must hold a table that `prepare` wrote"):
        list_row_groups(tmp_path)


def test_writer_without_rows_writes_no_file(tmp_path):
    with EncodedWriter(tmp_path / "train", SCHEMA):
        pass

    assert list((tmp_path / "train").iterdir()) == []
