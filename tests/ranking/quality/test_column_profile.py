import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.quality.column import Column
from ctrmoe.ranking.quality.column_profile import ColumnProfile
from ctrmoe.ranking.quality.counts import FIRST


def profile(values, kind="value", max_keys=1 << 16):
    column = Column("x", kind)
    result = ColumnProfile(column, max_keys)
    rows = pl.DataFrame({FIRST: np.arange(len(values), dtype=np.uint64)})
    result.update(column.read(pl.Series(values)), rows, 0)
    return result


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["a", "b", "b", None], "value", ("b", 0.5)),
        (["a", "", None, "b"], "value", (None, 0.5)),
        ([2.5, 2.5, float("nan"), 1.0], "number", ("2.5", 0.5)),
        ([["a", "b"], ["b"], ["b"], [], None], "list", ("b", 0.5)),
        ([None, None], "value", (None, 1.0)),
    ],
)
def test_most_frequent_value_and_its_share(values, kind, expected):
    assert profile(values, kind).most_frequent == expected


def test_share_of_the_most_frequent_of_many_values_counts_all_rows():
    values = ["often"] * 600 + [f"v{i}" for i in range(400)]

    value, share = profile(values, max_keys=50).most_frequent

    assert value == ""
    assert share == pytest.approx(0.6, abs=0.01)


def test_rare_values_are_those_of_fewer_than_five_rows():
    assert profile(["a"] * 5 + ["b"] * 4 + [None]).rare_share == pytest.approx(4 / 9)


def test_column_without_values_has_no_quantiles():
    empty = profile([None, None], "number")

    assert empty.quantiles([0.5]) == [None]
    assert (empty.missing_share, empty.rare_share, empty.present) == (1.0, 0.0, 0)


def test_rows_of_each_file_are_counted():
    column = Column("x", "value")
    result = ColumnProfile(column)
    for first, values in ((0, ["a", None]), (2, [None]), (0, ["b"])):
        rows = pl.DataFrame({FIRST: np.arange(len(values), dtype=np.uint64)})
        result.update(column.read(pl.Series(values, dtype=pl.String)), rows, first)

    assert result.by_file == {0: (3, 1), 2: (1, 1)}
