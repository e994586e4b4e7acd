"""The leaderboard's data and tables; its trainings are those of `ctrmoe tune` and `train`."""

import argparse
import importlib
import shutil
import sys
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SAMPLE = Path(__file__).parents[2] / "ctrmoe" / "sample" / "census_income"


@pytest.fixture
def module(monkeypatch):
    """Imports a script of the folder, which is no package."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in ("clocks", "leaderboard", "leaderboard_sets", "leaderboard_tables"):
            del sys.modules[name]


def run_figures(auc, epoch):
    task = {"auc": auc, "gauc": None, "logloss": 0.5, "ece": 0.01}
    return {
        "tasks": {"like": task}, "valid": {"valid_like_auc": auc + 0.01}, "best_epoch": epoch,
        "parameters": 1234, "peak_mb": 700.0 + epoch, "machine": "a machine",
        "packages": {"keras": "3"}, "git_sha": "abc", "data": "0123456789abcdef",
    }  # fmt: skip


def make_cell(leaderboard, folder, name, model, aucs, trials=8):
    file = folder / "figures" / name / f"{model}.json"
    cell = leaderboard.Cell(name, model, folder / model, file, trials)
    cell.keep("tuned", {"train.learning_rate": 0.002})
    for seed, auc in enumerate(aucs, 1):
        cell.keep(f"seed_{seed}", run_figures(auc, seed))
    return cell


@pytest.mark.parametrize("test_rows", [1_000, 9_000])
def test_tables_hold_the_median_of_what_is_finished(module, tmp_path, test_rows):
    leaderboard = module("leaderboard")
    name = "movielens_random"
    for model, aucs in {"fm": [0.90, 0.88, 0.91], "dnn": [0.85]}.items():
        cell = make_cell(leaderboard, tmp_path, name, model, aucs)
        cell.keep("rows", {"train": 8_000, "test": test_rows})
    args = argparse.Namespace(
        out=tmp_path, figures=tmp_path / "figures", seeds=3, trials=8,
        sets=[name], models=["dnn", "fm", "deepfm"],
    )  # fmt: skip

    found = leaderboard.finished(args)
    table = module("leaderboard_tables").figures_table(found)
    text = module("leaderboard_tables").document(table, found, leaderboard.protocol(args))

    assert table["model"].to_list() == ["fm", "dnn"]  # the best first
    first = table.row(0, named=True)
    assert (first["auc"], first["auc_min"], first["auc_max"]) == (0.90, 0.88, 0.91)
    assert (first["seeds"], first["best_epochs"], first["peak_mb"]) == (3, "1 2 3", 703.0)
    assert first["gauc"] is None and first["train.learning_rate"] == 0.002
    assert "| `like` | fm | 0.9000 [0.8800 – 0.9100] | 0.900, met |" in text
    assert "| dnn | 0.8500 [0.8500 – 0.8500] |" in text
    assert f"train 8,000, test {test_rows:,}" in text
    assert "gauc" not in text  # nobody has one
    assert ("standard error of about 0.02" in text) == (test_rows == 1_000)


@pytest.mark.parametrize(("least", "share"), [(100, 0.25), (10_000, None)])
def test_data_is_made_once_and_trials_train_on_a_share(module, tmp_path, monkeypatch, least, share):
    sets = module("leaderboard_sets")
    monkeypatch.setattr(sets, "MIN_SAMPLE", least)
    shutil.copytree(SAMPLE, tmp_path / "data" / "census-income")

    folders = sets.make("census_income", tmp_path / "data", tmp_path / "made")

    counts, parts = sets.rows(folders), tmp_path / "data" / "census-income"
    train = pq.read_metadata(parts / "train.parquet").num_rows
    assert counts["train"] + counts["valid"] == train
    assert counts["valid"] == pytest.approx(0.1 * train, rel=0.2)
    assert counts["test"] == pq.read_metadata(parts / "test.parquet").num_rows
    assert counts["tuning"] == (round(share * counts["train"]) if share else least)
    whole, kept = (
        pl.read_parquet(folder / "train") for folder in (folders.prepared, folders.sample)
    )
    assert kept.join(whole, on=whole.columns, how="anti").is_empty()
    times = [path.stat().st_mtime_ns for path in sorted((tmp_path / "made").rglob("*"))]
    assert sets.make("census_income", tmp_path / "nowhere", tmp_path / "made") == folders
    assert [path.stat().st_mtime_ns for path in sorted((tmp_path / "made").rglob("*"))] == times


def test_every_named_model_builds_its_search(module, tmp_path):
    leaderboard = module("leaderboard")
    models = [path.stem for path in leaderboard.CONFIGS.glob("*.toml")]

    for name in models:
        cell = leaderboard.Cell("movielens_random", name, tmp_path, tmp_path / "cell.json", 8)
        config = leaderboard.named_config(
            cell, tmp_path / "prepared", 100_000, schedule="cosine", epochs=3
        )

        assert config.model.embedding.dim == 32
        assert (config.train.epochs, config.train.batch_size) == (3, 2048)
        assert config.train.schedule == "cosine"
    few = leaderboard.named_config(cell, tmp_path / "prepared", 700, epochs=3)
    assert few.train.batch_size == 64
    changed = {place.split("/")[-1] for place in leaderboard.CHANGED}
    assert set(leaderboard.SLOW) | changed <= set(models)


def test_changes_may_be_of_one_set_and_belong_to_the_protocol(module, tmp_path):
    leaderboard = module("leaderboard")
    cells = {
        (name, model): leaderboard.Cell(name, model, tmp_path, tmp_path / "cell.json", 8)
        for name in ("census_income", "criteo_10k")
        for model in ("fgcnn", "xdeepfm", "dnn")
    }

    filters = {
        key: leaderboard.named_config(cell, tmp_path / "prepared", 100_000).model.interaction
        for key, cell in cells.items()
    }

    assert filters["census_income", "fgcnn"]["filters"] == [14, 16, 18, 20]
    assert "filters" not in filters["criteo_10k", "fgcnn"]
    for name in ("census_income", "criteo_10k"):
        assert filters[name, "xdeepfm"]["units"] == [64, 64]
        assert "changed" not in cells[name, "dnn"].protocol
    assert cells["census_income", "fgcnn"].protocol["changed"]
    assert "changed" not in cells["criteo_10k", "fgcnn"].protocol


def test_trainings_end_by_the_schedule_or_by_patience(module):
    sets = module("leaderboard_sets").SETS
    scheduled, stopped = sets["movielens_random"], sets["movielens_domains"]

    for tuning in (False, True):
        expected = {"schedule": "cosine", "epochs": 8, "patience": 8}
        assert scheduled.duration(tuning=tuning) == expected
    assert stopped.duration(tuning=False) == {"epochs": 20, "patience": 1}
    assert stopped.duration(tuning=True) == {"epochs": 8, "patience": 1}


def test_finished_figures_are_not_made_again(module, tmp_path):
    leaderboard = module("leaderboard")
    cell = make_cell(leaderboard, tmp_path, "criteo_10k", "fm", [0.7, 0.8])
    cell.keep("speeds", {"train_rows_s": 1.0})
    args = argparse.Namespace(data=tmp_path / "nowhere", out=tmp_path, seeds=2, trials=8)

    leaderboard.run_cell(cell, args)  # would fail without the raw data

    args.seeds = 3
    with pytest.raises(FileNotFoundError):
        leaderboard.run_cell(cell, args)


def test_figures_of_another_protocol_do_not_count(module, tmp_path):
    leaderboard = module("leaderboard")
    cell = make_cell(leaderboard, tmp_path, "criteo_10k", "fm", [0.7])
    assert cell.figures("seed_1")["tasks"]["like"]["auc"] == 0.7

    more_trials = leaderboard.Cell(cell.set, cell.model, cell.folder, cell.file, trials=9)
    assert more_trials.figures("seed_1") is None
    more_trials.keep("tuned", {"train.learning_rate": 0.01})

    assert cell.figures("tuned") is None
    assert more_trials.figures("seed_1") is None


def test_best_values_are_those_of_the_final_runs(module, tmp_path):
    leaderboard = module("leaderboard")
    cell = leaderboard.Cell("criteo_10k", "fm", tmp_path, tmp_path / "cell.json", 8)

    values = {"train.learning_rate": 0.0043, "model.embedding.l2": 1.5e-05, "seed": 3}
    config = leaderboard.named_config(cell, tmp_path, 9_000, values, schedule="cosine", epochs=8)

    assert config.train.learning_rate == 0.0043
    assert config.model.embedding.l2 == 1.5e-05
    assert config.seed == 3
