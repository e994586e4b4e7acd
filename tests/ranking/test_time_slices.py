from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ctrmoe.data.sources import UNNAMED, find_files
from ctrmoe.ranking import time_slices
from ctrmoe.ranking.time_slices import TimeSlices, find_time_slices
from ctrmoe.schema import Schema, SchemaError


def schema(timestamp="time"):
    return Schema.from_dict(
        {
            "name": "shop",
            "timestamp": timestamp,
            "tasks": [{"name": "click"}],
            "features": [{"name": "shop", "kind": "categorical"}],
        }
    )


def test_slices_have_equal_rows_whatever_the_files_and_chunks(tmp_path):
    times = np.random.default_rng(2).exponential(size=4_000)
    frame = pl.DataFrame({"time": times})
    frame[:1_000].write_parquet(tmp_path / "a.parquet")
    frame[1_000:].write_parquet(tmp_path / "b.parquet")

    slices = find_time_slices(find_files(tmp_path), schema(), 4, chunk_rows=333)

    assert np.bincount(slices.assign(frame, UNNAMED)).tolist() == [1_000] * 4
    ordered = np.sort(times)
    assert slices.table["first_time"].to_list() == ordered[::1_000].tolist()
    assert slices.table["last_time"].to_list() == ordered[999::1_000].tolist()


def test_many_times_are_counted_in_bounded_memory(monkeypatch):
    monkeypatch.setattr(time_slices, "MAX_TIMES", 256)
    # One row from 1970 is far from the others.
    times = np.append(1.7e9 + np.random.default_rng(3).uniform(0, 1e6, 20_000), 0.0)
    frame = pl.DataFrame({"time": times})

    slices = find_time_slices(find_files(frame), schema(), 5)

    assert np.bincount(slices.assign(frame, UNNAMED)) / 4_000 == pytest.approx(1, abs=0.05)


def test_equal_times_stay_together():
    frame = pl.DataFrame({"time": [1] * 6 + [2] * 2 + [3] * 2})

    slices = find_time_slices(find_files(frame), schema(), 2)

    assert slices.assign(frame, UNNAMED).tolist() == [0] * 6 + [1] * 4


@pytest.mark.parametrize("as_text", [False, True])
def test_dates_are_times(as_text):
    days = [date(2026, 1, 1) + timedelta(n) for n in range(6)]
    frame = pl.DataFrame({"time": [str(day) for day in days] if as_text else days})

    slices = find_time_slices(find_files(frame), schema(), 3)

    assert slices.assign(frame, UNNAMED).tolist() == [0, 0, 1, 1, 2, 2]
    assert slices.table["first_time"][0] == 1_767_225_600


def test_rows_without_a_time_belong_to_no_slice(caplog):
    frame = pl.DataFrame({"time": [1.0, None, 2.0, 3.0, 4.0]})

    slices = find_time_slices(find_files(frame), schema(), 2)

    assert slices.assign(frame, UNNAMED).tolist() == [0, -1, 0, 1, 1]
    assert caplog.messages == ["1 rows without a time are in no ranking over time."]


def test_times_before_the_first_belong_to_the_first_slice():
    slices = TimeSlices("time", np.array([10.0, 20.0]), np.array([19.0, 29.0]))

    found = slices.assign(pl.DataFrame({"time": [-5, 10, 19, 20, 99]}), UNNAMED)

    assert found.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("times", "timestamp", "count", "message"),
    [
        ([1, 2], "time", 1, "`time_slices` must be at least 2. Received: 1"),
        ([1, 2], "", 2, "`timestamp` must be named in the schema to rank over time"),
        ([1, 1, 1], "time", 2, "must have times for 2 slices .* Received: enough for 1"),
        ([None, None], "time", 2, "must have times for 2 slices .* Received: enough for 0"),
        (["yesterday", "x"], "time", 2, "must have times for 2 slices .* enough for 0"),
    ],
)
def test_what_can_not_be_divided_by_time(times, timestamp, count, message):
    with pytest.raises(SchemaError, match=message):
        find_time_slices(find_files(pl.DataFrame({"time": times})), schema(timestamp), count)


def test_column_of_lists_holds_no_times():
    frame = pl.DataFrame({"time": [[1], [2]]})

    with pytest.raises(SchemaError, match="Timestamp `time` must hold times, numbers or text. Rec"):
        find_time_slices(find_files(frame), schema(), 2)
