import datetime

import numpy as np
import polars as pl
import pytest
import references

from ctrmoe.data.sources import find_files
from ctrmoe.data.split import RandomSplit, parse_split
from ctrmoe.schema import Feature, Schema, SchemaError, Task

SCHEMA = Schema(
    name="t",
    tasks=(Task(name="click"),),
    features=(Feature(name="a", kind="numeric"),),
    timestamp="time",
)


def divided(text, *tables, schema=SCHEMA):
    """The part of every row of the tables."""
    split = parse_split(text, 0, find_files(tables), schema)
    frames = [file.frame for file in find_files(tables)]
    return [split.assign(frame, 0).tolist() for frame in frames]


def times(values):
    return pl.DataFrame({"time": values})


def test_random_split_agrees_with_slow_rules():
    fractions = (0.5, 0.2, 0.3)

    for seed in (0, 7, -1):
        parts = RandomSplit(fractions, seed).assign(times([0] * 200), 1000)
        expected = [
            references.random_part(row, seed % 2**64, fractions) for row in range(1000, 1200)
        ]
        assert parts.tolist() == expected


def test_random_split_has_the_fractions_asked_for():
    parts = RandomSplit((0.8, 0.1, 0.1), 3).assign(times([0] * 100_000), 0)

    np.testing.assert_allclose(np.bincount(parts) / len(parts), [0.8, 0.1, 0.1], atol=0.005)


def test_random_split_does_not_depend_on_chunks():
    split = RandomSplit((0.5, 0.5), 1)

    halves = [split.assign(times([0] * 50), first) for first in (0, 50)]

    np.testing.assert_array_equal(np.concatenate(halves), split.assign(times([0] * 100), 0))


@pytest.mark.parametrize(
    "values",
    [
        list(range(10)),
        [float(n) for n in range(10)],
        [datetime.date(2024, 1, 1 + n) for n in range(10)],
        [datetime.datetime(2024, 1, 1, n) for n in range(10)],
        [f"2024-01-0{n}" for n in range(10)],
        [str(n * 50) for n in range(10)],
    ],
    ids=lambda values: type(values[0]).__name__,
)
def test_time_split_gives_the_oldest_rows_to_training(values):
    order = [3, 9, 0, 8, 1, 2, 7, 4, 5, 6]
    expected = {9: 2, 8: 1}

    (parts,) = divided("time:0.8,0.1,0.1", times([values[n] for n in order]))

    assert parts == [expected.get(n, 0) for n in order]


def test_time_split_reads_every_file():
    parts = divided("time:0.5,0.5", times([5, 1]), times([2, 6]))

    assert parts == [[1, 0], [0, 1]]


def test_equal_times_stay_together():
    (parts,) = divided("time:0.5,0.25,0.25", times([1, 2, 2, 2, 2, 3, 3, 4]))

    assert parts == [0, 0, 0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize("missing", [[1, None], [1.0, float("nan")], ["a", None]])
def test_missing_time_is_refused(missing):
    with pytest.raises(SchemaError, match="`time` must not be missing. .* frame-0, row 2"):
        divided("time:0.5,0.5", times(missing))


def test_times_of_different_types_are_refused():
    with pytest.raises(SchemaError, match="`time` must have one type in all files"):
        divided("time:0.5,0.5", times([1]), times(["a"]))


@pytest.mark.parametrize(
    ("values", "received"),
    [
        (["01.04.2026", "27.03.2026"], "'01.04.2026'"),
        (["2026-3-9", "2026-3-10"], "'2026-3-10'"),
        (["5", "noon"], "'5'"),
        ([[1], [2]], "a column of List"),
        ([True, False], "a column of Boolean"),
    ],
)
def test_times_without_an_order_are_refused(values, received):
    with pytest.raises(SchemaError, match=f"`time` must be a number, a date, .* {received}"):
        divided("time:0.5,0.5", times(values))


@pytest.mark.parametrize("fractions", ["0.6,0.2,0.2", "0.1,0.1,0.8"])
def test_too_few_times_for_the_parts_are_refused(fractions):
    with pytest.raises(SchemaError, match="rows for all of train, valid, test. .* of 3 different"):
        divided(f"time:{fractions}", times(["2026-03-01", "2026-03-02", "2026-03-03"]))


def test_table_without_rows_is_refused():
    with pytest.raises(SchemaError, match="The files to split must have rows"):
        divided("time:0.5,0.5", times([1]).clear())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "random",
        "random:",
        "random:1",
        "time:0.5,0.6",
        "other:0.5,0.5",
        "random:0.5,x",
        "time:1,0",
    ]
    + ["random:0.25,0.25,0.25,0.25", "random:nan,0.5", "random:-1,2"],
)
def test_text_that_is_no_split_is_refused(text):
    with pytest.raises(SchemaError, match="`split` must be random: or time: and two or three"):
        divided(text, times([1]))


def test_time_split_needs_a_timestamp():
    with pytest.raises(SchemaError, match="needs `timestamp` in the schema"):
        divided("time:0.5,0.5", times([1]), schema=SCHEMA.replace(timestamp=""))
