from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from ctrmoe.data.sources import find_files
from ctrmoe.ranking.quality.plan import (
    Column,
    TypedFile,
    as_numbers,
    as_times,
    plan_columns,
    shared,
    type_group,
)
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


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", " 2.5 ", "x", "", None], [1.0, 2.5, None, None, None]),
        ([1.0, float("nan"), float("inf")], [1.0, None, None]),
        ([True, False], [1.0, 0.0]),
        ([None, None], [None, None]),
    ],
)
def test_as_numbers(values, expected):
    assert as_numbers(pl.Series(values)).to_list() == expected


@pytest.mark.parametrize(
    "values",
    [
        [datetime(2024, 3, 1, 0, 0, 1), None],
        ["2024-03-01 00:00:01", ""],
        [1_709_251_201, None],
        ["1709251201", None],
    ],
)
def test_as_times(values):
    assert as_times(pl.Series(values)).to_list() == [1_709_251_201.0, None]


def test_dates_and_text_that_is_none():
    assert as_times(pl.Series([date(2024, 3, 1)])).to_list() == [1_709_251_200.0]
    assert as_times(pl.Series(["soon", "later"])).to_list() == [None, None]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.5, float("nan")], ["1", "2.5", None]),
        ([True, None], ["1", None]),
        (["", "a"], [None, "a"]),
        ([b"\xff", None], ["ff", None]),
    ],
)
def test_categories_as_text(values, expected):
    assert Column("x", "value").read(pl.Series(values)).to_list() == expected


def test_lists_are_split_and_empty_ones_are_missing():
    column = Column("x", "list", separator="|")

    lists = column.read(pl.Series(["a|b", None, "c"]))
    items, lengths = column.items(lists)

    assert (items.to_list(), lengths.tolist()) == (["a", "b", "c"], [2, 1])
    hashes = column.hash(lists)
    assert hashes[1] == 0 and len(set(hashes.tolist())) == 3
    assert Column("x", "list").read(pl.Series([[1], [], None])).null_count() == 2
    swapped = column.hash(column.read(pl.Series(["b|a"])))
    assert swapped[0] != hashes[0]


@pytest.mark.parametrize(
    ("dtype", "group"),
    [
        (pl.Int8(), "number"),
        (pl.Boolean(), "number"),
        (pl.Categorical(), "text"),
        (pl.Datetime("us"), "time"),
        (pl.List(pl.Int64), "list"),
        (pl.List(pl.List(pl.Int64)), "other"),
        (pl.Struct({"a": pl.Int64}), "other"),
        (pl.Null(), "null"),
    ],
)
def test_type_group(dtype, group):
    assert type_group(dtype) == group
