import os

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ctrmoe.data.parquet import (
    AtomicParquetWriter,
    column_types,
    count_rows,
    read_chunks,
    read_files,
)
from ctrmoe.data.sources import find_files
from ctrmoe.schema import Feature, Schema, SchemaError, Task

FRAME = pl.DataFrame(
    {
        "a": [f"v{i % 7}" for i in range(1000)],
        "b": np.arange(1000.0),
        "c": [[i, None] if i % 3 else None for i in range(1000)],
    }
)
HEADLESS = Schema(
    name="t",
    tasks=(Task(name="a"),),
    features=(Feature(name="b", kind="numeric"),),
    columns=("a", "b"),
)


def write(path, frame=FRAME, **options):
    frame.write_parquet(path, **options)
    return path


@pytest.mark.parametrize("row_group_size", [64, 250, 5000])
@pytest.mark.parametrize("chunk_rows", [100, 333, 5000])
def test_chunks_keep_the_order_of_rows(tmp_path, row_group_size, chunk_rows):
    path = write(tmp_path / "a.parquet", row_group_size=row_group_size)

    chunks = list(read_chunks(path, ["b", "a"], None, chunk_rows))

    assert all(0 < len(chunk) <= chunk_rows for chunk in chunks)
    assert pl.concat(chunks).equals(FRAME.select("b", "a"))


@pytest.mark.parametrize(
    ("row_group_size", "chunk_rows", "lengths"),
    [
        (200, 450, [400, 400, 200]),
        (400, 450, [400, 400, 200]),
        (600, 250, [250, 250, 100, 250, 150]),
        (1000, 1000, [1000]),
    ],
)
def test_chunks_end_with_row_groups_wherever_one_fits(
    tmp_path, row_group_size, chunk_rows, lengths
):
    path = write(tmp_path / "a.parquet", row_group_size=row_group_size)
    groups = pq.read_metadata(path)
    assert groups.row_group(0).num_rows == row_group_size

    chunks = list(read_chunks(path, ["a"], None, chunk_rows))

    assert [len(chunk) for chunk in chunks] == lengths
    assert pl.concat(chunks).equals(FRAME.select("a"))


def test_chunks_of_a_text_file_keep_the_order_of_rows(tmp_path):
    frame = FRAME.select("a", "b")
    frame.write_csv(tmp_path / "a.csv")

    chunks = list(read_chunks(tmp_path / "a.csv", None, None, 300))

    assert len(chunks) > 1
    assert pl.concat(chunks).equals(frame.cast(pl.String))


def test_headless_file_takes_its_names_from_the_schema(tmp_path):
    (tmp_path / "a.tsv").write_text("1\t2\n0\t\n")

    (chunk,) = read_chunks(tmp_path / "a.tsv", ["b"], HEADLESS, 10)

    assert chunk["b"].to_list() == ["2", None]


@pytest.mark.parametrize("convert", [pl.DataFrame.clone, pl.DataFrame.to_pandas])
def test_frame_is_read_in_chunks(convert):
    chunks = list(read_chunks(convert(FRAME.select("a", "b")), ["a"], None, 400))

    assert [len(chunk) for chunk in chunks] == [400, 400, 200]
    assert pl.concat(chunks).equals(FRAME.select("a"))


def test_partitions_are_columns_unless_the_file_has_them(tmp_path):
    folder = tmp_path / "day=1" / "city=x"
    folder.mkdir(parents=True)
    write(folder / "p.parquet", pl.DataFrame({"a": [1, 2], "city": ["own", "own"]}))

    (file,) = find_files(tmp_path)
    (chunk,) = read_chunks(file, ["day", "city"])
    (only,) = read_chunks(file, ["day"])

    assert chunk.rows() == [("1", "own"), ("1", "own")]
    assert only["day"].to_list() == ["1", "1"]
    assert column_types(file) == {"a": pl.Int64, "city": pl.String, "day": pl.String}


def test_read_files_counts_rows_of_file_and_table(tmp_path):
    write(tmp_path / "a.parquet")
    write(tmp_path / "b.parquet")

    chunks = list(read_files(find_files(tmp_path), ["a"], HEADLESS, 600))

    assert [first for _, _, first in chunks] == [0, 600, 1000, 1600]
    assert [where.row(0).split("/")[-1] for _, where, _ in chunks] == [
        "a.parquet, row 1",
        "a.parquet, row 601",
        "b.parquet, row 1",
        "b.parquet, row 601",
    ]


def test_file_without_rows_gives_no_rows(tmp_path):
    path = write(tmp_path / "a.parquet", FRAME.clear())
    (tmp_path / "a.csv").write_text("a,b\n")

    assert sum(map(len, read_chunks(path, ["a"]))) == 0
    assert sum(map(len, read_chunks(tmp_path / "a.csv", ["a"]))) == 0


def test_count_rows_is_known_for_parquet_and_frames(tmp_path):
    write(tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("a\n1\n")

    counts = [count_rows(file) for file in find_files([tmp_path, FRAME])]

    assert counts == [1000, None, 1000]


def test_missing_column_names_the_file_and_a_near_name(tmp_path):
    path = write(tmp_path / "x.parquet", pl.DataFrame({"user_id": [1]}))

    with pytest.raises(
        SchemaError, match="`userid` is missing in .*x.parquet. Did you mean `user_id`"
    ):
        list(read_chunks(path, ["userid"]))


def test_repeated_column_is_refused(tmp_path):
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "a.parquet")

    with pytest.raises(SchemaError, match=r"a.parquet: column names must not repeat. .*\['a'\]"):
        list(read_chunks(tmp_path / "a.parquet", ["a"]))


@pytest.mark.parametrize("kept", [0.2, 0.9, 0.999])
def test_truncated_parquet_is_refused(tmp_path, kept):
    path = write(tmp_path / "a.parquet")
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data))])

    with pytest.raises(SchemaError, match="a.parquet can't be read: .* Write it again"):
        list(read_chunks(path, ["a"]))


def test_parquet_with_damaged_pages_is_refused(tmp_path):
    path = write(tmp_path / "a.parquet", compression="zstd")
    data = bytearray(path.read_bytes())
    data[4:400] = bytes(396)
    path.write_bytes(data)

    with pytest.raises(SchemaError, match="a.parquet can't be read: "):
        list(read_chunks(path, ["a"]))


def test_empty_parquet_is_refused(tmp_path):
    (tmp_path / "a.parquet").touch()

    with pytest.raises(SchemaError, match="a.parquet is empty"):
        list(read_chunks(tmp_path / "a.parquet", ["a"]))


@pytest.mark.parametrize("columns", [["a"], ["b"], ["a", "b"]])
def test_line_with_more_fields_than_the_header_is_refused(tmp_path, columns):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n1,2,3\n")

    with pytest.raises(SchemaError, match="a.csv can't be read: line 3 has 3 fields"):
        list(read_chunks(tmp_path / "a.csv", columns))


def test_file_without_permission_is_refused(tmp_path):
    path = write(tmp_path / "a.parquet")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file")

    with pytest.raises(SchemaError, match="a.parquet can't be read: "):
        list(read_chunks(path, ["a"]))


@pytest.mark.parametrize("name", ["a [1].parquet", "a [1]*.csv"])
def test_file_whose_name_looks_like_a_pattern_is_read(tmp_path, name):
    frame = pl.DataFrame({"a": ["x"]})
    frame.write_csv(tmp_path / name) if "csv" in name else frame.write_parquet(tmp_path / name)

    (chunk,) = read_chunks(tmp_path / name, ["a"])

    assert chunk.equals(frame)


def test_folder_called_like_a_file_is_searched(tmp_path):
    (tmp_path / "a.parquet").mkdir()
    write(tmp_path / "a.parquet" / "part-0.parquet")

    assert sum(len(chunk) for chunk in read_chunks(tmp_path / "a.parquet", ["a"])) == 1000


def test_writer_writes_whole_files(tmp_path):
    with AtomicParquetWriter(tmp_path / "a.parquet") as writer:
        writer.write(FRAME.head(10))
        writer.write(FRAME.tail(5).to_arrow(compat_level=pl.CompatLevel.oldest()))
        assert not (tmp_path / "a.parquet").exists()

    assert pl.read_parquet(tmp_path / "a.parquet").equals(
        pl.concat([FRAME.head(10), FRAME.tail(5)])
    )
    assert os.listdir(tmp_path) == ["a.parquet"]


def test_writer_without_rows_writes_its_schema(tmp_path):
    with AtomicParquetWriter(tmp_path / "a.parquet", pa.schema([("x", pa.int8())])):
        pass

    assert pl.read_parquet_schema(tmp_path / "a.parquet") == {"x": pl.Int8}


def test_writer_leaves_nothing_on_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), AtomicParquetWriter(tmp_path / "a.parquet") as writer:
        writer.write(FRAME)
        raise ZeroDivisionError

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("chunk_rows", [300, 1000])
def test_row_groups_larger_than_a_chunk_are_cut(tmp_path, chunk_rows):
    table = pl.DataFrame(
        {
            "text": [f"t{i % 7}" if i % 5 else None for i in range(2100)],
            "list": [["a"] * (i % 3) if i % 4 else None for i in range(2100)],
            "number": pl.Series(range(2100), dtype=pl.Int16),
        }
    )
    path = tmp_path / "day=7" / "a.parquet"
    path.parent.mkdir()
    table.write_parquet(path, row_group_size=1000)

    chunks = list(read_chunks(tmp_path, ["number", "day", "list", "text"], chunk_rows=chunk_rows))

    sizes = [300, 300, 300, 100] * 2 + [100] if chunk_rows == 300 else [1000, 1000, 100]
    assert [len(chunk) for chunk in chunks] == sizes
    expected = table.with_columns(day=pl.lit("7")).select("number", "day", "list", "text")
    assert pl.concat(chunks).equals(expected)
    assert pl.concat(chunks).schema == expected.schema


def test_types_that_pyarrow_reads_otherwise_are_those_of_polars(tmp_path):
    values = pl.Series("x", ["b", "a", "b", "a"] * 50, dtype=pl.Enum(["a", "b"]))
    values.to_frame().write_parquet(tmp_path / "a.parquet", row_group_size=200)

    chunks = list(read_chunks(tmp_path / "a.parquet", None, chunk_rows=64))

    assert [len(chunk) for chunk in chunks] == [64, 64, 64, 8]
    assert pl.concat(chunks).equals(values.to_frame())
    assert {chunk.schema["x"] for chunk in chunks} == {values.dtype}


def test_line_of_a_csv_file_that_ends_too_early_is_refused(tmp_path):
    path = tmp_path / "day=1" / "a.csv"
    path.parent.mkdir()
    path.write_text("a,b,c\n" + "1,2,\n" * 500 + "1,2\n" + "1,2,3\n" * 500)

    with pytest.raises(SchemaError, match="a.csv can't be read: line 502 has 2 fields, the first "):
        list(read_chunks(path, ["a", "day"], None, 100))


def test_empty_fields_at_the_end_of_lines_are_missing_values(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,\n" * 500)

    assert pl.concat(read_chunks(path, ["b", "a"], None, 100)).null_count().row(0) == (500, 0)


@pytest.mark.parametrize("name", ["*", "^a.*$"])
def test_name_that_polars_takes_for_a_pattern_is_refused(tmp_path, name):
    path = write(tmp_path / "a.parquet", pl.DataFrame({"a": [1], name: [2]}))

    assert next(read_chunks(path, ["a"])).columns == ["a"]
    with pytest.raises(SchemaError, match="name of a column must not be `\\*` .* Rename it"):
        list(read_chunks(path, None))
