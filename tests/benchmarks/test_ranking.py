"""The planted features of the ranking benchmark, and what it measures on them."""

import argparse
import sys
from pathlib import Path

import polars as pl
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def ranking(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import ranking

    yield ranking
    for name in ("ranking", "planted_features", "clocks"):
        sys.modules.pop(name, None)


def test_planted_features_have_their_parts(ranking, tmp_path):
    planted = ranking.write(3, 60_000, tmp_path)

    table = pl.read_parquet(tmp_path / "data.parquet")
    roles = list(planted.role.values())
    assert [roles.count(role) for role in ("main", "pair", "copy", "noise")] == [10, 10, 10, 70]
    assert table.shape == (60_000, 101)
    assert pl.read_csv(tmp_path / "data.csv").equals(table.cast(pl.Int64))
    for main, copy in zip(*(_names(planted, role) for role in ("main", "copy")), strict=True):
        assert 0.88 < (table[main] == table[copy]).mean() < 1


def test_quality_of_an_order(ranking):
    role = {"a": "main", "b": "noise", "c": "copy", "d": "pair"}

    assert ranking.quality(["a", "c", "d", "b"], role) == {"AUC": 1.0, "precision at 20": 1.0}
    assert ranking.quality(["a", "b", "d", "c"], role) == {"AUC": 0.5, "precision at 20": 0.5}


def test_seeds_and_distinct_values_are_measured(ranking, tmp_path):
    args = argparse.Namespace(seed=1, seeds=1, rows=20_000, distinct=3_000)

    assert "20,000 rows of 100 features" in ranking.seeds(args, tmp_path)
    assert "| 0.00% | 0 |" in ranking.distinct(args, tmp_path)


def test_cost_is_measured_by_rows_and_features(ranking, tmp_path, monkeypatch):
    monkeypatch.setattr(ranking, "FEWER", (10,))

    text = ranking.scaling(argparse.Namespace(seed=1, rows=50_000, scaling=1), tmp_path)

    assert "| 50,000 rows, 100 features | " in text
    assert "| 50,000 rows, 10 features | " in text


def _names(planted, role):
    """In the order in which the generator made them."""
    return [name for name in planted._names if planted.role[name] == role]
