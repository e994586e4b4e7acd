import datetime

import polars as pl
import pytest

from ctrmoe.data.infer_columns import HeaderLine, TableColumns
from ctrmoe.data.sources import find_files
from ctrmoe.schema import SchemaError


def columns_of(*tables, names=()):
    return TableColumns.of(find_files(tables), HeaderLine(names))


def column(values, dtype=None):
    return pl.DataFrame({"a": pl.Series(values, dtype=dtype)})


MOMENT = datetime.datetime(2026, 1, 1)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (column([1]), column(["x"]), pl.String),
        (column([None]), column([3]), pl.Int64),
        (column(["x"], pl.Categorical), column(["y"]), pl.String),
        (column([1], pl.Int8), column([0.5]), pl.Float64),
        (column([MOMENT], pl.Datetime("us")), column([MOMENT], pl.Datetime("ms")), pl.Datetime),
        (column([[1]]), column([["x"]]), pl.List(pl.String)),
    ],
)
def test_column_takes_the_type_that_holds_all_values(first, second, expected):
    files = find_files([first, second])

    columns = TableColumns.of(files, HeaderLine())

    assert columns.types["a"] == expected
    assert columns.parsed == {"a"}
    chunks = list(columns.chunks(files, HeaderLine()))
    assert [chunk.schema for chunk in chunks] == [columns.types] * 2
    assert [chunk["a"].null_count() for chunk in chunks] == [first["a"].null_count(), 0]


@pytest.mark.parametrize("other", [[{"x": 1}], [[1]], [b"x"]])
def test_types_that_nothing_holds_are_refused_with_their_files(other):
    with pytest.raises(
        SchemaError, match="`a` must have one type .* Int64 in frame-0, .* in frame-1. Cast"
    ):
        columns_of(column([1]), column(other))


def test_columns_that_the_first_file_lacks_are_counted():
    first, later = column([1]), pl.DataFrame({"b": [1], "a": [2]})

    columns = columns_of(first, later, later)

    assert list(columns.types) == ["a"]
    assert columns.partial == {"b": 2}
    assert columns.parsed == set()


def test_first_line_of_values_is_refused(tmp_path):
    (tmp_path / "a.tsv").write_text("x\t0.5\t1\ny\t0.25\t0\n")

    with pytest.raises(
        SchemaError,
        match=r"a.tsv: the first line must name .* '0.5', .* Name all 3 columns by `",
    ):
        columns_of(tmp_path / "a.tsv")

    columns = columns_of(tmp_path / "a.tsv", names=("word", "share", "click"))
    assert list(columns.types) == ["word", "share", "click"] == sorted(columns.parsed)[::-1]


@pytest.mark.parametrize("header", ["0,1,2", ",0,1"])
def test_numbered_columns_of_a_frame_are_names(tmp_path, header):
    (tmp_path / "a.csv").write_text(f"{header}\n5,6,7\n")

    assert list(columns_of(tmp_path / "a.csv").types) == header.split(",")
