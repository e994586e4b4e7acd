import polars as pl
import pytest

from ctrmoe.ranking.feature_table import empty_table
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
