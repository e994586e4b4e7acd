import polars as pl
import pytest

from ctrmoe.data.derived import canonical_values
from ctrmoe.data.encode import Encoder
from ctrmoe.data.sources import Origin
from ctrmoe.schema import Feature, Schema, SchemaError, Task


def encoded(feature, frame):
    schema = Schema(name="t", tasks=(Task(name="click"),), features=(feature,))
    return Encoder.fit(schema, frame).encode(frame).sequences.tolist()


# Ids in the vocabulary's order: a 3, b 4, c 5.
LISTS = [["a", "a", "b", "b", "c"], ["b", "", None, "a"], ["a"], [], None, [None, ""]]


def test_sequence_keeps_its_newest_elements():
    feature = Feature(name="h", kind="sequence", max_length=3)

    ids = encoded(feature, pl.DataFrame({"h": LISTS}))

    assert ids == [[4, 4, 5], [4, 3, 0], [3, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_multi_valued_keeps_its_first_elements():
    feature = Feature(name="h", kind="categorical", max_length=3)

    ids = encoded(feature, pl.DataFrame({"h": LISTS}))

    assert ids == [[3, 3, 4], [4, 3, 0], [3, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("h", [[7, 8], [8, None]], dtype=pl.Array(pl.Int16, 2)),
        pl.Series("h", [["7", "8"], ["8"]], dtype=pl.List(pl.Categorical)),
        pl.Series("h", ["7|8", "8||"]),
    ],
)
def test_lists_come_in_several_types(column):
    feature = Feature(name="h", kind="sequence", max_length=2, separator="|")

    assert encoded(feature, column.to_frame()) == [[4, 3], [3, 0]]


def test_column_of_nulls_is_a_column_of_empty_lists():
    feature = Feature(name="h", kind="categorical", max_length=2)

    assert encoded(feature, pl.DataFrame({"h": [None, None]})) == [[1, 0], [1, 0]]


def test_separator_may_be_several_characters():
    feature = Feature(name="h", kind="categorical", max_length=2, separator=", ")

    assert encoded(feature, pl.DataFrame({"h": ["a, b", "a,b"]})) == [[3, 5], [4, 0]]


def test_fraction_in_a_list_names_its_row():
    feature = Feature(name="h", kind="sequence", max_length=2)

    with pytest.raises(
        SchemaError, match="must be a whole number. Received: 0.5 in frame-0, row 3"
    ):
        encoded(feature, pl.DataFrame({"h": [[1.0, 2.0], [], [3.0, 0.5]]}))


@pytest.mark.parametrize(
    ("options", "value", "message"),
    [
        ({}, "a b", "String in x.csv. Make a list of each row, or give .* the `separator`"),
        ({}, 7, "Int64 in x.csv. Make a list of each row.$"),
        ({"kind": "categorical"}, 7, "Int64 in x.csv. .* row, or give it no `max_length`.$"),
        ({}, [["a"]], r"List\(List\(String\)\) in x.csv. Flatten each row to one list.$"),
        ({"separator": "|"}, {"a": 1}, "Struct.* in x.csv. Flatten each row to one list.$"),
    ],
)
def test_columns_that_hold_no_lists(options, value, message):
    feature = Feature(**{"name": "h", "kind": "sequence", "max_length": 2, **options})

    with pytest.raises(SchemaError, match="`h` must be a column of lists. Received: " + message):
        canonical_values(pl.DataFrame({"h": [value]}), feature, Origin("x.csv"))
