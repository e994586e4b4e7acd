"""What rankings are worth: what is ranked, trained, kept and said."""

import argparse
import json
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SAMPLE = Path(__file__).parents[2] / "ctrmoe" / "sample" / "census_income"
NAME = "census_income"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import ranking_usefulness

    yield ranking_usefulness
    for name in ("ranking_usefulness", "ranking", "planted_features", "clocks", "leaderboard_sets"):
        sys.modules.pop(name, None)


@pytest.fixture
def args(benchmark, tmp_path):
    """A division of the sample, with orders as OutRank would have left them."""
    args = argparse.Namespace(data=tmp_path, out=tmp_path, sets=[NAME], seeds=2, minutes=0)
    shutil.copytree(SAMPLE, tmp_path / "census-income")
    folder = benchmark.folder_of(args, NAME, 1)
    names = [feature.name for feature in benchmark.schema_of(NAME).features]
    orders = {
        "ours": names,
        "ours, 3MR": names[10:] + names[:10],
        "ours, --select": names[15:] + names[:15],
        "OutRank": names[::-1],
        "LightGBM": names[5:] + names[:5],
    }
    (folder / "rankings.json").write_text(json.dumps(orders))
    return args


def test_lightgbm_orders_all_features(benchmark):
    schema, train = benchmark.schema_of(NAME), pl.read_parquet(SAMPLE / "train.parquet")

    order = benchmark.by_lightgbm(train, schema)

    assert sorted(order) == sorted(feature.name for feature in schema.features)
    assert order[0] in ("age", "det_occ_code", "education", "weeks_worked", "capital_gains")


def test_ours_are_three_orders_of_all_features(benchmark):
    schema, train = benchmark.schema_of(NAME), pl.read_parquet(SAMPLE / "train.parquet")
    kept = schema.replace(features=schema.features[:8])

    orders = benchmark.by_us(train, kept)

    assert list(orders) == [name for name in benchmark.RANKINGS if name.startswith("ours")]
    assert {tuple(sorted(order)) for order in orders.values()} == {
        tuple(sorted(feature.name for feature in kept.features))
    }


def test_equal_choices_are_trained_once(benchmark, args):
    found = benchmark.jobs(args)

    # Of each seed: three sizes of six rankings, and all features once.
    assert len(found) == 2 * (3 * 6 + 1)
    assert {len(features) for _, _, features, _ in found} == {5, 10, 20, 37}


def test_report_and_plot_hold_what_is_finished(benchmark, args):
    for number, (_, seed, features, path) in enumerate(benchmark.jobs(args)):
        if seed == 1:
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps({"auc": 0.8 + number / 1000, "features": features}))

    text = benchmark.report(args)
    benchmark.plot(args, args.out / "plot.svg")

    assert "| 5 | 0.8000 ± 0.0000 | 0.8030 ± 0.0000 | 0.8060 ± 0.0000 |" in text
    assert "| first | ours | ours, 3MR | ours, --select | OutRank |" in text
    assert text.count("± 0.0000 | 1 |") == 4  # of three sizes and all, one seed each
    assert "<svg" in (args.out / "plot.svg").read_text()


@pytest.mark.slow
def test_model_learns_from_the_chosen_features(benchmark, args, monkeypatch):
    chosen = [job for job in benchmark.jobs(args) if len(job[2]) == 5][:1]
    monkeypatch.setattr(benchmark, "jobs", lambda args: chosen)

    benchmark.measure(args)

    kept = json.loads(chosen[0][3].read_text())
    assert kept["features"] == chosen[0][2]
    assert 0.5 < kept["auc"] < 1
