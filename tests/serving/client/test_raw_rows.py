import numpy as np
import pandas as pd
import polars as pl
import pytest

from ctrmoe.schema import SchemaError
from ctrmoe.serving.client.raw_rows import arrays_of, as_frame
from ctrmoe.serving.client.signature import Input

SMALLEST = -(2**63)
INPUTS = (
    Input("user", "text", is_list=False, is_shared=False),
    Input("hour", "integer", is_list=False, is_shared=False),
    Input("price", "number", is_list=False, is_shared=False),
    Input("history", "text", is_list=True, is_shared=False),
)
ROWS = [
    {"user": "a", "hour": 3, "price": 1.5, "history": ["x", None, "y"], "unread": 1},
    {"user": None, "hour": None, "history": []},
    {"price": 2, "history": None, "user": "é"},
]


def check(arrays):
    assert arrays["user"].tolist() == [["a"], [""], ["é"]]
    assert arrays["hour"].dtype == np.int64
    assert arrays["hour"].tolist() == [[3], [SMALLEST], [SMALLEST]]
    np.testing.assert_array_equal(arrays["price"], np.array([[1.5], [np.nan], [2]], np.float32))
    assert arrays["price"].dtype == np.float32
    assert arrays["history"].tolist() == [["x", "", "y"], ["", "", ""], ["", "", ""]]
    assert set(arrays) == {"user", "hour", "price", "history"}


@pytest.mark.parametrize("form", ["dicts", "columns", "polars", "pandas"])
def test_rows_of_every_form_become_the_same_arrays(form):
    columns = {name: [row.get(name) for row in ROWS] for name in ROWS[0]}
    forms = {
        "dicts": ROWS,
        "columns": columns,
        "polars": pl.DataFrame(columns, strict=False),
        "pandas": pd.DataFrame(columns),
    }

    check(arrays_of(as_frame(forms[form]), INPUTS))


def test_column_that_no_row_has_is_missing_in_all():
    arrays = arrays_of(as_frame([{"other": 1}, {"other": 2}]), INPUTS)

    assert arrays["user"].tolist() == arrays["history"].tolist() == [[""], [""]]
    assert arrays["hour"].tolist() == [[SMALLEST], [SMALLEST]]
    assert np.isnan(arrays["price"]).all()


def test_no_rows_make_arrays_without_rows():
    arrays = arrays_of(as_frame([]), INPUTS)

    assert {len(array) for array in arrays.values()} == {0}


def test_values_are_cast_where_nothing_is_lost():
    rows = {"user": [7, 8], "hour": ["5", None], "price": ["1.5", ""], "history": [[1], [2, 3]]}

    arrays = arrays_of(as_frame(rows), INPUTS)

    assert arrays["user"].tolist() == [["7"], ["8"]]
    assert arrays["hour"].tolist() == [[5], [SMALLEST]]
    assert arrays["history"].tolist() == [["1", ""], ["2", "3"]]


def test_lists_of_a_fixed_length_are_lists():
    frame = pl.DataFrame({"history": [["a", "b"], ["c", "d"]]}).with_columns(
        pl.col("history").list.to_array(2)
    )

    assert arrays_of(frame, INPUTS)["history"].tolist() == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"hour": "noon"}], r"`hour` must hold whole numbers\. Received: 'noon' in the rows"),
        ([{"hour": 1.5}], r"`hour` must be a whole number"),
        ([{"history": "x"}], r"`history` must hold lists\. Received: String in the rows"),
        ([{"user": ["x"]}], r"`user` must hold single values\. Received: List"),
        ("rows", r"`rows` must be dicts, a dict of columns.* Received: str\."),
        ([1, 2], r"`rows` must be dicts.* Received: list\."),
        ({"user": ["a"], "hour": [1, 2]}, "`rows` must make a table"),
    ],
)
def test_rows_that_the_model_can_not_take_are_refused(rows, message):
    with pytest.raises(SchemaError, match=message):
        arrays_of(as_frame(rows), INPUTS)
