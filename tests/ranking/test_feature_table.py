import polars as pl
import pytest

from ctrmoe.ranking.feature_table import empty_table, merge_tables
from ctrmoe.schema import Feature


@pytest.mark.parametrize(
    ("feature", "column", "kind", "has_order"),
    [
        (Feature(name="x", kind="numeric"), [1.5], "number", True),
        (Feature(name="x", kind="categorical"), [1], "category", True),
        (Feature(name="x", kind="categorical"), ["a"], "category", False),
        (Feature(name="x", kind="categorical", dtype="string"), [1], "category", False),
        (Feature(name="x", kind="sequence", max_length=3), [[1]], "list", False),
    ],
)
def test_table_follows_the_feature(feature, column, kind, has_order):
    table = empty_table(feature, pl.DataFrame({"x": column}), 1_024)

    assert (table.kind, table.has_order) == (kind, has_order)


def test_tables_of_other_rows_are_added_place_by_place(counted):
    one, other, new = (counted([7, 8], [0, 1]) for _ in range(3))
    tables = {"a": one}

    merge_tables(tables, {"a": other, "b": new})

    assert tables == {"a": one, "b": new}
    assert one.label_counts.tolist() == [[2, 0], [0, 2]]
