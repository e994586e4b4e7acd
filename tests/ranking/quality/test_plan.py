import numpy as np
import polars as pl

from ctrmoe.data.sources import find_files
from ctrmoe.ranking.quality.plan import plan_columns, shared
from ctrmoe.ranking.quality.typed_file import TypedFile
from ctrmoe.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "name": "t",
        "timestamp": "time",
        "tasks": [{"name": "y"}],
        "features": [
            {"name": "id", "kind": "categorical"},
            {"name": "price", "kind": "numeric"},
            {"name": "tags", "kind": "categorical", "max_length": 2, "separator": "|"},
        ],
    }
)
FRAME = pl.DataFrame(
    {
        "id": [1, 2],
        "price": [1, 2],
        "tags": ["a|b", ""],
        "y": [0, 1],
        "time": [1, 2],
        "more": [0, 1],
    }
)


def opened(*frames):
    return [TypedFile.open(source, SCHEMA) for source in find_files(list(frames))]


def test_columns_are_read_as_the_schema_says():
    plan = plan_columns(SCHEMA, opened(FRAME))

    assert {name: column.kind for name, column in plan.items()} == {
        "id": "value",
        "price": "number",
        "tags": "list",
        "time": "time",
        "y": "number",
        "more": "value",
    }
    assert plan["id"].dtype == "integer"
    assert plan["tags"].separator == "|"


def test_whole_numbers_are_text_where_one_file_has_text():
    text = FRAME.with_columns(pl.col("id").cast(pl.String))
    column = plan_columns(SCHEMA, opened(FRAME, text))["id"]

    assert column.dtype == "string"
    np.testing.assert_array_equal(
        column.hash(column.read(FRAME["id"])), column.hash(column.read(text["id"]))
    )


def test_hashes_of_64_bits_are_kept_apart():
    large = pl.DataFrame({"id": pl.Series([2**64 - 1, 2**64 - 2], dtype=pl.UInt64)})
    column = plan_columns(SCHEMA, opened(large))["id"]

    assert column.read(large["id"]).to_list() == [str(2**64 - 1), str(2**64 - 2)]


def test_shared_columns_are_those_that_all_files_have_alike():
    other = FRAME.drop("more").with_columns(pl.struct("id").alias("id"))
    files = opened(FRAME, other)

    assert shared([f.types for f in files], plan_columns(SCHEMA, files)) == [
        "price",
        "tags",
        "time",
        "y",
    ]
