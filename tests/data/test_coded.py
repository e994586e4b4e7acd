import dataclasses

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ctrmoe.condition import Condition
from ctrmoe.data.coded import MAX_BYTES_A_VALUE, coded_columns, plain_text
from ctrmoe.data.encode import Encoder, raw_columns
from ctrmoe.data.parquet import read_coded
from ctrmoe.data.sources import find_files
from ctrmoe.schema import Feature, Schema, SchemaError, Task

ROWS = 3_000
TEXTS = ["a", "b", "", "é中\U0001f600", "never trained on", "x" * 70, None, "NaN", " a"]
LISTS = [
    ["a"],
    [],
    None,
    ["b", "", None, "a"],
    [None],
    ["é中\U0001f600"] * 7,
    ["not trained on", "b"],
]
SCHEMA = Schema(
    name="t",
    tasks=(Task(name="click"),),
    features=(
        Feature(name="text", kind="categorical"),
        Feature(name="hashed", kind="categorical", source="text", hash_buckets=5),
        Feature(name="dotted.name", kind="categorical", oov_buckets=3),
        Feature(name="tags", kind="categorical", max_length=2),
        Feature(name="history", kind="sequence", max_length=3, vocabulary="tags"),
        Feature(name="number", kind="numeric"),
    ),
    domain="text",
)


def rows(values, count=ROWS):
    return [values[place] for place in np.random.default_rng(4).integers(len(values), size=count)]


@pytest.fixture(scope="module")
def frame():
    columns = {"text": rows(TEXTS), "dotted.name": rows(TEXTS[::-1]), "number": range(ROWS)}
    return pl.DataFrame({**columns, "tags": rows(LISTS), "history": rows(LISTS[::-1])})


@pytest.fixture(scope="module")
def encoder():
    trained = {"text": ["a", "b", "é中\U0001f600"], "dotted.name": ["a", "b", "x" * 70]}
    lists = {name: [["a", "b"], ["a"], ["é中\U0001f600"]] for name in ("tags", "history")}
    return Encoder.fit(SCHEMA, pl.DataFrame({**trained, **lists, "number": [1.0, 2.0, 3.0]}))


def arrow(frame):
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def strings(table):
    """With the lists and strings that Spark writes, whose offsets have 32 bits."""
    narrow = {
        "large_string": pa.string(),
        "large_list<element: large_string>": pa.list_(pa.string()),
    }
    fields = [(field.name, narrow.get(str(field.type), field.type)) for field in table.schema]
    return table.cast(pa.schema(fields))


WRITERS = {
    "pyarrow": lambda frame, path: pq.write_table(arrow(frame), path),
    "small pages": lambda frame, path: pq.write_table(arrow(frame), path, data_page_size=500),
    "old pages": lambda frame, path: pq.write_table(
        strings(arrow(frame)), path, version="1.0", data_page_version="1.0"
    ),
    "groups": lambda frame, path: pq.write_table(arrow(frame), path, row_group_size=1_300),
    "polars": lambda frame, path: frame.write_parquet(path),
    "pandas": lambda frame, path: frame.to_pandas().to_parquet(path),
}


def same(left, right):
    for name in ("ids", "sequences", "values", "domain"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("chunk_rows", [700, 2_000, 5_000])
def test_codes_encode_as_their_texts(tmp_path, frame, encoder, writer, chunk_rows):
    WRITERS[writer](frame, tmp_path / "a.parquet")
    (file,) = find_files(tmp_path)
    columns, texts = raw_columns(encoder.schema), encoder.plain_text

    coded = list(read_coded(file, columns, texts, None, chunk_rows))
    plain = list(read_coded(file, columns, {}, None, chunk_rows))

    if (writer, chunk_rows) != ("groups", 5_000):  # the dictionaries of row groups differ
        assert {"text", "dotted.name"} <= {name for chunk in coded for name in chunk.coded}
    assert all(not chunk.coded for chunk in plain)
    assert [len(chunk) for chunk in coded] == [len(chunk) for chunk in plain]
    for left, right in zip(coded, plain, strict=True):
        same(encoder.encode(left), encoder.encode(right))


def test_lists_of_text_are_read_as_codes(tmp_path, frame, encoder):
    WRITERS["pyarrow"](frame, tmp_path / "a.parquet")

    (chunk,) = read_coded(*find_files(tmp_path), raw_columns(encoder.schema), encoder.plain_text)

    assert set(chunk.coded) == {"text", "dotted.name", "tags", "history"}
    assert chunk.frame.columns == ["number"]
    assert chunk.coded["tags"].lengths.sum() == frame["tags"].list.len().sum()


def test_dictionary_that_a_file_gives_up_is_read_as_text(tmp_path, encoder):
    # The writer goes on with plain texts where its dictionary passes a limit.
    texts = ["a"] * 40_000 + [f"text number {place}" for place in range(2_000)] + ["b", None]
    lists = [[text] if text else None for text in texts]
    table = {"text": texts, "dotted.name": texts, "tags": lists, "history": lists}
    frame = pl.DataFrame({**table, "number": np.arange(len(texts))})
    pq.write_table(arrow(frame), tmp_path / "a.parquet", dictionary_pagesize_limit=2_000)
    column = pq.read_metadata(tmp_path / "a.parquet").row_group(0).column(0)
    assert column.total_uncompressed_size < MAX_BYTES_A_VALUE * column.num_values

    (file,) = find_files(tmp_path)
    chunks = list(read_coded(file, raw_columns(SCHEMA), encoder.plain_text, None, 9_000))

    assert all("text" in chunk.coded and "history" in chunk.coded for chunk in chunks)
    parts = [encoder.encode(chunk) for chunk in chunks]
    for start, part in zip(range(0, len(frame), 9_000), parts, strict=True):
        same(part, encoder.encode(frame.slice(start, 9_000)))


def test_text_that_hardly_repeats_is_not_read_as_codes(tmp_path, encoder):
    texts = [f"text number {place}" for place in range(ROWS)]
    lists = [[text] for text in texts]
    columns = {"text": texts, "dotted.name": texts, "tags": lists, "history": lists}
    WRITERS["pyarrow"](pl.DataFrame({**columns, "number": np.arange(ROWS)}), tmp_path / "a.parquet")

    (chunk,) = read_coded(*find_files(tmp_path), raw_columns(SCHEMA), encoder.plain_text)

    assert not chunk.coded


def test_chunks_of_a_row_group_share_their_dictionary(tmp_path, frame, encoder):
    WRITERS["pyarrow"](frame, tmp_path / "a.parquet")
    (file,) = find_files(tmp_path)

    first, *_, last = read_coded(file, ["tags", "number"], encoder.plain_text, None, 400)

    assert first.coded["tags"].dictionary is last.coded["tags"].dictionary


def test_only_columns_of_text_are_read_as_codes(tmp_path, frame, encoder):
    text = pl.col("text").cast(pl.Categorical)
    lists = pl.col("tags").list.join("|"), pl.lit(1).alias("dotted.name")
    WRITERS["pyarrow"](frame.with_columns(text, *lists), tmp_path / "a.parquet")

    with pq.ParquetFile(tmp_path / "a.parquet") as parquet:
        found = coded_columns(parquet, 0, encoder.plain_text)

    assert list(found) == ["history"]


def test_column_whose_name_begins_another_is_not_read_as_codes(tmp_path, frame):
    both = frame.select("text", pl.col("text").alias("text.list"))
    WRITERS["pyarrow"](both, tmp_path / "a.parquet")

    with pq.ParquetFile(tmp_path / "a.parquet") as parquet:
        found = coded_columns(parquet, 0, {"text": False, "text.list": False})

    assert found == {"text.list": 1}


def test_other_bytes_than_utf_8(tmp_path, encoder):
    texts = pa.array([b"a", b"\xff"] * 1_000).view(pa.string())
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")

    with pytest.raises(SchemaError, match=r"a\.parquet can't be read: Invalid.* UTF"):
        list(read_coded(*find_files(tmp_path), ["text"], {"text": False}))


@pytest.mark.parametrize(
    "change",
    [
        {"separator": "|"},
        {"weights": "weight"},
        {"dtype": "integer"},
        {"where": Condition(column="click", equals=1)},
        {"contains": "a", "source": "other", "max_length": 0},
        {"kind": "numeric", "dtype": "float", "max_length": 0},
        {"cross": ("text", "other"), "max_length": 0},
    ],
)
def test_columns_that_are_read_otherwise_are_no_plain_text(change):
    plain = Feature(name="tags", kind="categorical", dtype="string", max_length=3)

    assert plain_text([plain]) == {"tags": True}
    assert plain_text([dataclasses.replace(plain, **change)]) == {}
