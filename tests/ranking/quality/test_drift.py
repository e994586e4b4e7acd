import math

import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.quality.column import Column
from ctrmoe.ranking.quality.column_profile import ColumnProfile
from ctrmoe.ranking.quality.counts import FIRST
from ctrmoe.ranking.quality.drift import (
    binned,
    jensen_shannon,
    jensen_shannon_by_chance,
    psi,
    psi_by_chance,
)

random = np.random.default_rng(8)


def profile(values, kind="number", max_keys=1 << 16):
    column = Column("x", kind)
    result = ColumnProfile(column, max_keys)
    rows = pl.DataFrame({FIRST: np.arange(len(values), dtype=np.uint64)})
    result.update(column.read(pl.Series(values)), rows, 0)
    return result


def test_figures_are_those_of_plain_loops():
    first, second = np.array([10, 0, 30]), np.array([5, 5, 10])
    p = [(count + 0.5) / 41.5 for count in first]
    q = [(count + 0.5) / 21.5 for count in second]

    index = sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    divergence = 0.0
    for a, b in zip(p, q, strict=True):
        divergence += a / 2 * math.log2(2 * a / (a + b)) + b / 2 * math.log2(2 * b / (a + b))

    assert psi(first, second) == pytest.approx(index)
    assert jensen_shannon(first, second) == pytest.approx(divergence)


def test_disjoint_tables_diverge_by_nearly_one_bit():
    assert jensen_shannon(np.array([10_000, 0]), np.array([0, 10_000])) == pytest.approx(
        1, abs=0.01
    )


def test_numbers_fall_into_ten_bins_of_equal_rows_and_the_missing():
    values = random.permutation(1_000).astype(float)
    data = profile(np.append(values, [np.nan] * 50))

    rows, others = binned(data, profile(np.append(values[:500], np.nan)))

    assert rows.tolist() == [100] * 10 + [50]
    assert others.sum() == 501 and others[-1] == 1


def test_numbers_are_binned_alike_where_the_tables_are_coarse():
    values = random.normal(size=20_000)

    rows, others = binned(profile(values, max_keys=300), profile(values + 1, max_keys=150))
    exact, moved = binned(profile(values), profile(values + 1))

    assert psi(rows, others) == pytest.approx(psi(exact, moved), rel=0.1)


def test_categories_are_the_most_frequent_ones_and_the_rest():
    data = profile([f"v{min(i, 60)}" for i in range(200)] + [None], "value")

    rows, others = binned(data, profile(["v60", "v61", None, None], "value"))

    assert rows.sum() == 201 and others.sum() == 4
    assert len(rows) == 52
    assert rows[0] == 140 and others[0] == 1
    assert rows[-2:].tolist() == [11, 1] and others[-2:].tolist() == [1, 2]


@pytest.mark.parametrize("rows", [(300, 200), (5_000, 400)])
def test_chance_stays_below_its_bound(rows):
    passed = 0
    for _ in range(200):
        counts = [random.multinomial(n, [0.1] * 10) for n in rows]
        passed += psi(*counts) > psi_by_chance(*counts)
        passed += jensen_shannon(*counts) > jensen_shannon_by_chance(*counts)

    assert passed <= 8  # of 400; about 1 % of a chi-square of nine degrees


def test_columns_without_numbers_are_binned():
    rows, others = binned(profile([None, None]), profile([1.0, None]))

    assert rows.sum() == 2 and others.sum() == 2
