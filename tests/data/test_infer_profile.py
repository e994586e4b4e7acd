import numpy as np
import polars as pl
import pytest

from ctrmoe.data.infer_profile import Distinct, EvenSample, profile


def test_distinct_below_size_is_exact():
    sketch = Distinct(size=100)
    sketch.update(pl.Series([1, 2, 2, None]))
    sketch.update(pl.Series([2, 3]))

    assert sketch.estimate() == 3


@pytest.mark.parametrize("dtype", [pl.Int64, pl.String])
def test_distinct_above_size_is_close(dtype):
    sketch = Distinct(size=4096)
    values = np.random.default_rng(0).permutation(200_000)
    for chunk in np.split(np.concatenate([values, values[:50_000]]), 10):
        sketch.update(pl.Series(chunk).cast(dtype))

    # Four standard errors of 1 / sqrt(4094).
    assert sketch.estimate() == pytest.approx(200_000, rel=4 / 64)


@pytest.mark.parametrize("chunk_rows", [1, 7, 64, 1000])
def test_even_sample_is_evenly_spaced_whatever_the_chunks(chunk_rows):
    sample = EvenSample(limit=50)
    for chunk in pl.DataFrame({"row": range(1000)}).iter_slices(chunk_rows):
        sample.update(chunk)

    rows = sample.frame()["row"].to_list()
    stride = rows[1] - rows[0]
    assert rows == list(range(0, 1000, stride))
    assert 50 <= len(rows) <= 100


def test_profile_counts_all_rows_whatever_the_chunks():
    table = pl.DataFrame(
        {"number": [3.0, None, float("nan"), -1.0], "items": [["a", "b"], [], None, ["a"]]}
    )

    for chunk_rows in (1, 4):
        number, items = profile(table.iter_slices(chunk_rows))
        assert (number.rows, number.nulls, number.distinct) == (4, 2, 2)
        assert (number.minimum, number.maximum, number.total) == (-1.0, 3.0, 2.0)
        assert (items.rows, items.nulls, items.distinct) == (4, 1, 2)


def test_profile_samples_but_counts_every_row():
    table = pl.DataFrame({"value": range(5000)})

    (column,) = profile(table.iter_slices(300), sample_rows=100)

    assert (column.rows, column.distinct, column.maximum) == (5000, 5000, 4999)
    assert 100 <= len(column.sample) <= 200
