from datetime import date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest

from ctrmoe.ranking.quality.column import Column, as_numbers, as_times, type_group


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


ODD = {
    "binary": pl.Series([b"\xff", b"1", None]),
    "categorical": pl.Series(["a", "1", None], dtype=pl.Categorical),
    "duration": pl.Series([timedelta(hours=1), timedelta(hours=2), None]),
    "time": pl.Series([time(1), time(2), None]),
    "decimal": pl.Series([Decimal("1.5"), Decimal("2.5"), None]),
    "large": pl.Series([2**63, 2**64 - 1, None], dtype=pl.UInt64),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kind", ["number", "time", "value"])
def test_columns_of_odd_types_are_read(kind, name):
    column = Column("x", kind)

    values = column.read(ODD[name])

    assert values.dtype == (pl.String if kind == "value" else pl.Float64)
    assert values[2] is None
    if kind == "value":
        assert len(set(column.hash(values).tolist())) == 3


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([1.0, 2.5, None, float("nan"), float("inf")], "value", 2),
        ([1.0, 2.5], "number", 0),
        ([Decimal("1.00"), Decimal("1.25")], "value", 1),
        ([[1.0, 0.5], None, []], "list", 1),
        ([b"a", b"\xff", None, b"\xe9"], "value", 2),
        ([b"a", "é".encode()], "value", 0),
        (["a", ""], "value", 0),
        ([1, None], "value", 0),
    ],
)
def test_values_that_are_no_categories_are_counted(values, kind, expected):
    assert Column("f", kind).refused(pl.Series(values)) == expected
