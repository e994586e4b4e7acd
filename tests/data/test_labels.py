import numpy as np
import polars as pl
import pytest

from ctrmoe.data.labels import check_labels, read_labels
from ctrmoe.data.sources import Origin
from ctrmoe.schema import Feature, Schema, SchemaError, Task

TASKS = (Task(name="click"), Task(name="order", column="ordered"))
SCHEMA = Schema(name="shop", tasks=TASKS, features=(Feature(name="item", kind="categorical"),))
ONE = SCHEMA.replace(tasks=TASKS[:1])


def test_labels_by_task_and_null_where_there_is_another():
    frame = pl.DataFrame({"click": [1, 0, None], "ordered": ["0", "", "1"]})

    labels = read_labels(SCHEMA, frame, Origin())

    np.testing.assert_array_equal(labels["click"], np.array([1, 0, -1], np.int8))
    np.testing.assert_array_equal(labels["order"], np.array([0, -1, 1], np.int8))
    assert labels["click"].dtype == np.int8


def test_a_row_without_any_label():
    frame = pl.DataFrame({"click": [1, None], "ordered": [None, None]})
    first = pl.DataFrame({"click": [None], "ordered": [None]})

    with pytest.raises(SchemaError, match="null in click, ordered in x.csv, row 12. Leave the row"):
        read_labels(SCHEMA, frame, Origin("x.csv", 10))
    with pytest.raises(SchemaError, match="in x.csv, row 11. Leave the row out"):
        read_labels(SCHEMA, first, Origin("x.csv", 10))


@pytest.mark.parametrize("missing", [None, float("nan"), ""])
def test_one_task_takes_no_null(missing):
    frame = pl.DataFrame({"click": ["0", missing] if missing == "" else [0.0, missing]})

    with pytest.raises(
        SchemaError, match=f"`click` must be 0 or 1. Received: {missing!r} in x.csv, row 2"
    ):
        read_labels(ONE, frame, Origin("x.csv"))


@pytest.mark.parametrize(
    ("schema", "values", "message"),
    [
        (ONE, [None, None, None], "Label `click` must be 0 or 1. Received: no value in click in"),
        (ONE, ["", None, " "], "Label `click` must be 0 or 1. Received: no value in click in"),
        (SCHEMA, [None, float("nan"), None], "A label must .* no value in click, ordered in"),
    ],
)
def test_a_column_without_any_label(schema, values, message):
    frame = pl.DataFrame({"click": values, "ordered": [None] * 3})

    with pytest.raises(SchemaError, match=f"{message} all of the rows 11 to 13 of x.csv. Fill the"):
        read_labels(schema, frame, Origin("x.csv", 10))


@pytest.mark.parametrize(
    ("schema", "known", "message"),
    [
        (SCHEMA, ["click", "item"], r"`ordered` of task `order` .* in x.csv. Known: click, item."),
        (SCHEMA, ["click", "orderd"], r"Did you mean `orderd`\? Add it, null where a row has no"),
        (ONE, ["item"], r"`click` of task `click` must be a column .* Add it.$"),
    ],
)
def test_a_table_without_a_label(schema, known, message):
    with pytest.raises(SchemaError, match=message):
        check_labels(schema, known, "x.csv")
    with pytest.raises(SchemaError, match=message):
        read_labels(schema, pl.DataFrame({name: [0] for name in known}), Origin("x.csv"))
