"""The multi-domain board's data and tables; its trainings are the leaderboard's."""

import argparse
import importlib
import shutil
import sys
from pathlib import Path

import polars as pl
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SAMPLE = Path(__file__).parents[2] / "ctrmoe" / "sample" / "census_income"
SCRIPTS = ("clocks", "leaderboard", "leaderboard_sets", "leaderboard_tables", "multi_domain")


@pytest.fixture
def module(monkeypatch):
    """Imports a script of the folder, which is no package."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    before = set(sys.modules)
    yield importlib.import_module
    for name in (set(sys.modules) - before) & set(SCRIPTS):
        del sys.modules[name]


def run(overall, **domains):
    return {
        "tasks": {"click": {"auc": overall}},
        "domains": {name: {"click": {"auc": auc}} for name, auc in domains.items()},
    }


def test_table_has_the_mean_of_the_domains_best_first(module):
    found = {
        "dnn": [run(0.7, a=0.6, b=0.7, rare=0.1), run(0.8, a=0.7, b=0.8, rare=None)],
        "star": [run(0.75, a=0.8, b=0.9, rare=0.2)],
    }
    singles = {"a": [run(0.55)], "b": [run(0.9)]}

    lines = module("multi_domain").table(found, singles, "click", ["a", "b"]).splitlines()

    assert lines[0] == "| model | overall | mean of domains | a | b |"
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| star", "| dnn alone", "| dnn"]
    assert "| star | 0.7500 [0.7500 – 0.7500] | 0.8500 [0.8500 – 0.8500] |" in lines[2]
    assert "| dnn alone | - | 0.7250" in lines[3]
    assert "| dnn | 0.7500 [0.7000 – 0.8000] | 0.7000 [0.6500 – 0.7500] |" in lines[4]


def test_table_leaves_single_domains_out_until_all_are_there(module):
    found = {"dnn": [run(0.7, a=0.6, b=0.7)]}

    text = module("multi_domain").table(found, {"a": [run(0.5)]}, "click", ["a", "b"])

    assert "alone" not in text


def test_domains_are_those_with_rows_and_both_classes(module, tmp_path):
    board = module("multi_domain")
    shutil.copytree(SAMPLE, tmp_path / "data" / "census-income")
    args = argparse.Namespace(
        data=tmp_path / "data", out=tmp_path / "out", models=["dnn alone"], seeds=1, trials=5,
        sets=["census_domains"],
    )  # fmt: skip

    domains = board.domains_of("census_domains", args)
    cells = dict(board.alone("census_domains", args))

    assert domains["income_over_50k"][:2] == ["Not in universe", "Private"]
    assert "Never worked" not in domains["income_over_50k"]
    train = pl.read_parquet(tmp_path / "out/data/census_domains/raw/train.parquet")
    sizes = dict(train["class_worker"].value_counts().iter_rows())
    assert all(sizes[value] >= board.MIN_ROWS for value in domains["never_married"])
    assert set(cells) == set(domains["income_over_50k"]) & set(domains["never_married"])
    assert {cell.model for cell in cells.values()} == {"dnn"}


def test_rows_of_one_domain_make_a_set_of_their_own(module, tmp_path):
    sets = module("leaderboard_sets")
    shutil.copytree(SAMPLE, tmp_path / "data" / "census-income")

    folders = sets.make(
        "census_domains", tmp_path / "data", tmp_path / "made", pl.col("class_worker") == "Private"
    )

    for part in sets.PARTS:
        values = pl.read_parquet(folders.raw / f"{part}.parquet")["class_worker"]
        assert values.unique().to_list() == ["Private"]


def test_boards_share_no_models_but_the_plain_one(module):
    leaderboard, board = module("leaderboard"), module("multi_domain")
    named = {path.stem for path in leaderboard.CONFIGS.glob("*.toml")}

    assert set(leaderboard.MULTI_DOMAIN) <= named
    for model in (board.PLAIN, *leaderboard.MULTI_DOMAIN):
        cell = leaderboard.Cell("census_domains", model, Path("cell"), Path("cell.json"), 8)
        config = leaderboard.named_config(cell, Path("prepared"), 100_000, epochs=3)
        assert config.model.embedding.dim == 16


def test_models_without_all_seeds_are_named(module):
    board = module("multi_domain")
    args = argparse.Namespace(models=["dnn", "star", "mmoe"], seeds=2)

    assert board.unfinished({"dnn": [{}, {}], "mmoe": [{}]}, args) == [
        "Not yet measured with 2 seeds: star (0), mmoe (1)."
    ]
    assert board.unfinished({model: [{}, {}] for model in args.models}, args) == []
