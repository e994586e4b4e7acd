import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.quality.counts import FIRST, KEY, ROWS, VALUE
from ctrmoe.ranking.quality.hashing import hash_values
from ctrmoe.ranking.quality.number_counts import NumberCounts, key_numbers, number_keys
from ctrmoe.ranking.quality.value_counts import ValueCounts

LIMIT = 64
random = np.random.default_rng(4)
NUMBERS = np.round(random.normal(size=5_000), 2)  # about 500 of them
DRAWS = pl.DataFrame(
    {FIRST: np.arange(5_000, dtype=np.uint64), "hits": random.integers(0, 2, 5_000).astype(np.int8)}
)
TABLES = {
    NumberCounts: DRAWS.with_columns(pl.Series(KEY, number_keys(NUMBERS))),
    ValueCounts: DRAWS.with_columns(
        pl.Series(KEY, hash_values(pl.Series(NUMBERS))),
        pl.Series(NUMBERS).cast(pl.String).alias(VALUE),
    ),
}


@pytest.fixture(params=TABLES, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


def counted(kind, rows, limit=LIMIT, chunk=10_000):
    counts = kind(limit)
    for start in range(0, rows.height, chunk):
        counts.update(rows[start : start + chunk])
    return counts


def same(one, other):
    assert one.table().equals(other.table())
    assert (one.level, one.distinct) == (other.level, other.distinct)


@pytest.mark.parametrize("limit", [LIMIT, 10_000])
@pytest.mark.parametrize("chunk", [13, 1_000])
def test_counts_do_not_depend_on_the_chunks(kind, limit, chunk):
    same(counted(kind, TABLES[kind], limit, chunk), counted(kind, TABLES[kind], limit))


@pytest.mark.parametrize("limit", [LIMIT, 400, 10_000])
@pytest.mark.parametrize("cut", [0, 10, 2_500, 4_900])
def test_merged_parts_are_the_whole(kind, limit, cut):
    rows = TABLES[kind]
    parts = counted(kind, rows[:cut], limit), counted(kind, rows[cut:], limit)

    for one, other in (parts, parts[::-1]):
        whole = counted(kind, pl.concat([rows[:cut], rows[cut:]]), limit)
        merged = kind(limit)
        merged.merge(one)
        merged.merge(other)

        same(merged, whole)


def test_few_keys_are_counted_exactly(kind):
    counts = counted(kind, TABLES[kind], 10_000)

    numbers, rows = np.unique(NUMBERS, return_counts=True)
    assert counts.level == 0
    assert (counts.distinct, counts.distinct_error) == (len(numbers), 0.0)
    expected = {n: r for n, r in zip(numbers.tolist(), rows.tolist(), strict=True)}
    hits = {n: int(DRAWS["hits"].to_numpy()[n == NUMBERS].sum()) for n in expected}
    table = counts.table()
    values = (
        key_numbers(table[KEY].to_numpy()).tolist()
        if kind is NumberCounts
        else table[VALUE].cast(float).to_list()
    )
    assert dict(zip(values, table[ROWS].to_list(), strict=True)) == expected
    assert dict(zip(values, table["hits"].to_list(), strict=True)) == hits
    first = table[FIRST].to_list()
    assert [NUMBERS[row] for row in first] == values


def test_many_keys_stay_within_the_limit(kind):
    counts = counted(kind, TABLES[kind])

    distinct = len(np.unique(NUMBERS))
    assert 0 < counts.table().height <= LIMIT
    assert counts.level > 0
    assert counts.distinct == pytest.approx(distinct, rel=3 * counts.distinct_error)


def test_bins_of_numbers_hold_every_row():
    table = counted(NumberCounts, TABLES[NumberCounts]).table()

    edges = np.append(key_numbers(table[KEY].to_numpy()), np.inf)
    assert table[ROWS].to_list() == np.histogram(NUMBERS, edges)[0].tolist()


def test_values_that_are_kept_have_their_whole_counts():
    whole = counted(ValueCounts, TABLES[ValueCounts], 10_000)
    kept = counted(ValueCounts, TABLES[ValueCounts])

    assert kept.table().equals(whole.at(kept.level))
