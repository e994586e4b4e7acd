import numpy as np
import polars as pl

from ctrmoe.ranking.surrogates.row_sample import RowSample

ROWS, SIZE = 5_000, 300


def frame(start, end):
    return pl.DataFrame({"x": np.arange(start, end)})


def drawn(chunk, seed=0):
    sample = RowSample(SIZE, seed)
    for start in range(0, ROWS, chunk):
        end = min(start + chunk, ROWS)
        sample.add(frame(start, end), np.arange(start, end))
    return sample


def test_sample_is_the_same_whatever_the_chunks():
    rows, numbers = drawn(ROWS).rows()

    assert rows["x"].to_list() == numbers.tolist() == sorted(set(numbers.tolist()))
    assert len(rows) == SIZE
    for chunk in (7, 1_000):
        assert drawn(chunk).rows()[0].equals(rows)
    assert not drawn(ROWS, seed=1).rows()[0].equals(rows)


def test_sample_is_spread_over_the_rows():
    numbers = np.concatenate([drawn(ROWS, seed).rows()[1] for seed in range(30)])

    # The mean of so many uniform draws, within four standard errors.
    assert abs(numbers.mean() - ROWS / 2) < 4 * ROWS / np.sqrt(12 * len(numbers))


def test_merged_samples_are_that_of_all_rows():
    first, second = RowSample(SIZE, 0), RowSample(SIZE, 0)
    first.add(frame(3_000, ROWS), np.arange(3_000, ROWS))
    second.add(frame(0, 3_000), np.arange(3_000))

    first.merge(second)

    assert first.rows()[0].equals(drawn(ROWS).rows()[0])


def test_fewer_rows_are_all_kept():
    sample = RowSample(SIZE, 0)

    sample.add(frame(0, 20), np.arange(20))

    assert sample.rows()[1].tolist() == list(range(20))
    assert RowSample(SIZE, 0).rows()[0].is_empty()
