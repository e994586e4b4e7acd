import numpy as np
import polars as pl
import pytest

from ctrmoe.data.sources import find_files
from ctrmoe.ranking.quality.plan import plan_columns
from ctrmoe.ranking.quality.table_profile import TableProfile
from ctrmoe.ranking.quality.times import DAY, HOUR, periods, read_times
from ctrmoe.ranking.quality.typed_file import TypedFile
from ctrmoe.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "name": "t",
        "timestamp": "time",
        "tasks": [{"name": "y"}],
        "features": [{"name": "x", "kind": "numeric"}],
    }
)
START = 1_700_006_400  # a midnight


def times(seconds):
    frame = pl.DataFrame({"time": seconds}).with_columns(x=1.0, y=0)
    file = TypedFile.open(find_files(frame)[0], SCHEMA)
    table = TableProfile(SCHEMA, plan_columns(SCHEMA, [file]))
    table.add_file(file)
    return read_times(table)


@pytest.mark.parametrize("scale", [1, 1_000, 1_000_000, 1_000_000_000])
def test_unit_is_told_by_the_size(scale):
    found = times([(START + i * 3_600) * scale for i in range(100)])

    assert found.in_seconds
    assert found.values[0] == pytest.approx(START)
    assert found.show(found.values[0]) == "2023-11-15 00:00:00"
    seconds, number = periods(found)
    assert seconds == DAY
    assert np.unique(number - number[0]).tolist() == [0, 1, 2, 3, 4]


def test_short_table_is_divided_into_hours():
    assert periods(times([START + i * 600 for i in range(60)]))[0] == HOUR


def test_few_days_without_hours_are_not_divided():
    dates = [START, START, START + DAY, START + 2 * DAY]

    assert periods(times(dates)) is None
    assert periods(times([*dates, START + HOUR]))[0] == HOUR
    assert periods(times([*dates, START + 3 * DAY]))[0] == DAY


def test_numbers_of_an_unknown_unit_have_no_periods():
    assert periods(times([i / 100 for i in range(100)])) is None


def test_far_times_are_left_out_of_the_main_stretch():
    near = [START + i * 60 for i in range(1_000)]

    found = times([0, *near, START + 10_000_000])

    assert found.values[found.main].tolist() == near
    assert found.rows.sum() == 1_002
    assert found.first_row(len(near) + 1).endswith("row 1002")


def test_table_without_times_has_none():
    assert times([None, None]) is None


def test_share_at_is_a_quantile():
    assert times([START + i for i in range(100)]).share_at(0.05) == START + 4
