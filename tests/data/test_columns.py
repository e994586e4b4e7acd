import datetime
import decimal

import numpy as np
import polars as pl
import pytest

from ctrmoe.data.columns import INT64_MIN, canonical, infer_dtype, is_missing, labels, numbers
from ctrmoe.data.sources import UNNAMED, Origin
from ctrmoe.schema import SchemaError

FILE = Origin("part.parquet", 100)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (pl.String(), "string"),
        (pl.Categorical(), "string"),
        (pl.Enum(["a"]), "string"),
        (pl.Date(), "string"),
        (pl.Datetime("us"), "string"),
        (pl.Binary(), "string"),
        (pl.Int8(), "integer"),
        (pl.UInt64(), "integer"),
        (pl.Boolean(), "integer"),
        (pl.Float32(), "integer"),
        (pl.Decimal(10, 2), "integer"),
        (pl.Null(), ""),
        (pl.List(pl.Int32()), "integer"),
        (pl.Array(pl.String(), 2), "string"),
    ],
)
def test_infer_dtype_of_each_column_type(dtype, expected):
    assert infer_dtype("a", dtype) == expected


def test_infer_dtype_of_a_struct_is_refused():
    with pytest.raises(SchemaError, match="`a` must be a column of text or whole numbers"):
        infer_dtype("a", pl.Struct({"b": pl.Int8}))


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        (pl.Series([1, None], dtype=pl.UInt8), "integer", [1, None]),
        (pl.Series([True, None, False]), "integer", [1, None, 0]),
        (pl.Series([3.0, float("nan"), None, -0.0]), "integer", [3, None, None, 0]),
        (pl.Series([decimal.Decimal("7.00")]), "integer", [7]),
        (pl.Series([None, None]), "integer", [None, None]),
        (pl.Series([7, INT64_MIN]), "string", ["7", "-9223372036854775808"]),
        (pl.Series([True, False]), "string", ["1", "0"]),
        (pl.Series([3.0, None]), "string", ["3", None]),
        (pl.Series([2**64 - 1], dtype=pl.UInt64), "string", ["18446744073709551615"]),
        (pl.Series([datetime.date(2024, 2, 29)]), "string", ["2024-02-29"]),
        (pl.Series(["a", None], dtype=pl.Categorical), "string", ["a", None]),
        (pl.Series(["é".encode()]), "string", ["é"]),
        (pl.Series([None]), "string", [None]),
    ],
)
def test_canonical_casts_without_loss(values, dtype, expected):
    result = canonical(values, dtype, UNNAMED)

    assert result.to_list() == expected
    assert result.dtype == (pl.Int64 if dtype == "integer" else pl.String)


def test_canonical_text_in_an_integer_feature_is_the_decimal_or_stays():
    texts = pl.Series(
        ["7", "007", "+7", "-0", "x", "7.0", " 7", "", None, str(2**63), str(-(2**63))]
    )

    result = canonical(texts, "integer", UNNAMED)

    assert result.to_list() == ["7", "7", "7", "0", "x", "7.0", " 7", "", None, str(2**63), None]


@pytest.mark.parametrize(
    ("values", "dtype", "message"),
    [
        (
            [1.0, 0.5],
            "integer",
            "must be a whole number. Received: 0.5 in part.parquet, row 102. D",
        ),
        ([1.0, 1e300], "integer", r"must be a whole number. Received: 1e\+300 in"),
        ([0.5], "string", "Declare it numeric, or cast it to text"),
        (
            pl.Series([2**63], dtype=pl.UInt64),
            "integer",
            "must be within 64 signed bits. .* string",
        ),
        ([b"\xff"], "string", "must be UTF-8 text. Received: other bytes in part.parquet. Dec"),
        ([datetime.date(2024, 1, 1)], "integer", "must be a column of whole numbers, as in"),
    ],
)
def test_canonical_refuses_a_lossy_cast(values, dtype, message):
    with pytest.raises(SchemaError, match=message):
        canonical(pl.Series("a", values), dtype, FILE)


def test_canonical_error_names_the_row_of_a_list_element():
    where = FILE.at(np.array([4, 8])).at(np.array([0, 0, 1]))

    with pytest.raises(SchemaError, match="part.parquet, row 109"):
        canonical(pl.Series("a", [1.0, 2.0, 2.5]), "integer", where)


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["a", "", None], [False, True, True]), ([0, INT64_MIN, None], [False, True, True])],
)
def test_is_missing_knows_the_marks_of_the_graph(values, expected):
    assert is_missing(pl.Series(values)).to_list() == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, None], [1.0, np.nan]),
        ([True, False], [1.0, 0.0]),
        ([0.1, float("inf"), float("-inf"), float("nan")], [np.float32(0.1), *[np.nan] * 3]),
        ([1e300, -3e38], [np.nan, np.float32(-3e38)]),
        ([1e-40, -1e-300, -0.0, 2e-38], [0, 0, 0, np.float32(2e-38)]),
        (["1.5", " 2 ", "1e3", "x", "", None, "inf", "NaN"], [1.5, 2, 1000, *[np.nan] * 5]),
        ([decimal.Decimal("1.25")], [1.25]),
        ([None], [np.nan]),
    ],
)
def test_numbers_are_float32_or_missing(values, expected):
    result = numbers(pl.Series(values))

    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, np.array(expected, np.float32))


def test_numbers_stored_as_a_dictionary_of_texts_are_numbers():
    column = pl.Series("a", ["1.5", " 2", None, "x"], dtype=pl.Categorical)

    np.testing.assert_array_equal(numbers(column), np.array([1.5, 2, np.nan, np.nan], np.float32))


def test_numbers_of_dates_are_refused():
    with pytest.raises(SchemaError, match="`a` must be a column of numbers. Received: Date"):
        numbers(pl.Series("a", [datetime.date(2024, 1, 1)]))


@pytest.mark.parametrize("values", [[0, 1], [False, True], [0.0, 1.0], ["0", " 1"], ["0.0", "1.0"]])
def test_labels_accept_zero_and_one_in_any_type(values):
    result = labels(pl.Series("click", values), UNNAMED)

    assert result.dtype == np.int8
    assert result.tolist() == [0, 1]


@pytest.mark.parametrize("wrong", [2, 0.5, "yes", -1])
def test_labels_refuse_anything_else(wrong):
    column = pl.Series("click", [None, wrong])

    with pytest.raises(
        SchemaError, match="Label `click` must be 0 or 1. Received: .* row 102. Mend"
    ):
        labels(column, FILE)


@pytest.mark.parametrize(
    "values", [[1, None, 0], [True, None, False], [1.0, float("nan"), 0.0], ["1", " ", "0"]]
)
def test_labels_may_be_missing(values):
    assert labels(pl.Series("click", values), UNNAMED).tolist() == [1, -1, 0]
    assert labels(pl.Series("click", [None, None]), UNNAMED).tolist() == [-1, -1]


def test_labels_of_dates_are_refused():
    with pytest.raises(SchemaError, match="must be 0 or 1. Received: a column of Date in .* Cast"):
        labels(pl.Series("click", [datetime.date(2024, 1, 1)]), FILE)
