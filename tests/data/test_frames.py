import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from ctrmoe.data.frames import as_polars, is_frame
from ctrmoe.schema import SchemaError


@pytest.mark.parametrize("text", ["str", "object"])
def test_pandas_frame_keeps_missing_values(text):
    names = pd.Series(["a", None, "é"], dtype=text)
    frame = pd.DataFrame({"a": names, "b": [1.0, None, 2.0], "c": [["x"], [], None]})

    converted = as_polars(frame.set_axis([7, 7, 9]))

    assert converted.columns == ["a", "b", "c"]
    assert converted["a"].to_list() == ["a", None, "é"]
    assert converted["b"].to_list() == [1.0, None, 2.0]
    assert converted["c"].to_list() == [["x"], [], None]


@pytest.mark.parametrize("convert", [pl.DataFrame, pl.LazyFrame, pa.table, pd.DataFrame])
def test_tables_of_every_kind_give_the_same_rows(convert):
    frame = convert({"a": [1, 2]})

    assert is_frame(frame)
    assert as_polars(frame).equals(pl.DataFrame({"a": [1, 2]}))


@pytest.mark.parametrize("item", ["a.parquet", None, [1], pd.Series([1]), pl.Series([1])])
def test_other_things_are_no_frames(item):
    assert not is_frame(item)


def test_pandas_column_of_mixed_values_is_refused():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", 1]})

    with pytest.raises(SchemaError, match="Column `b` of the pandas frame .* Received: int, str"):
        as_polars(frame)

    cast = as_polars(frame.assign(b=frame["b"].astype("string")))
    assert cast["b"].to_list() == ["x", "1"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]),
    ],
)
def test_repeated_column_is_refused(frame):
    with pytest.raises(SchemaError, match=r"must not repeat. Received twice: \['a'\]"):
        as_polars(frame)
