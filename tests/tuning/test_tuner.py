"""Searches with real trainings: what a folder holds at the end, kills, failures, pruning."""

import importlib
import os
import signal
import subprocess
import sys
import time

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ctrmoe.tuning
from ctrmoe import strict
from ctrmoe.cli import main
from ctrmoe.config import Config, ConfigError
from ctrmoe.run import Run
from ctrmoe.schema import SchemaError
from ctrmoe.tuning import tune

MODEL = {"deep": {"units": [4, 4]}, "embedding": {"dim": 2}}
TRAIN = {"epochs": 2, "batch_size": 200, "learning_rate": 0.01, "patience": 0}
SEARCH = {
    "train.learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
    # The second one's loss is not finite after the first epoch.
    "train.optimizer": {"choices": [{"kind": "lazy_adam"}, {"kind": "sgd", "learning_rate": 1e30}]},
}
TRIALS = 4


def config(prepared, seed=3, **train):
    return Config.from_dict(
        {"seed": seed, "data": {"prepared": str(prepared)}, "model": MODEL, "train": TRAIN | train}
    )


@pytest.fixture(scope="module")
def whole(prepared, tmp_path_factory):
    """A search that nothing interrupted, its folder and what it told."""
    folder, told = tmp_path_factory.mktemp("search") / "whole", []
    found = tune(
        config(prepared), SEARCH, folder, trials=TRIALS,
        on_trial=lambda *results: told.append(results),
    )  # fmt: skip
    return found, folder, told


def test_folder_holds_the_search_and_the_best_run(whole):
    found, folder, told = whole

    names = {path.name for path in folder.iterdir()}
    best = found.best.number
    assert names == {
        "study.db", "trials.parquet", "trials.csv", "best.toml", f"trial_{best:04d}",
    }  # fmt: skip
    assert_frame_equal(pl.read_parquet(folder / "trials.parquet"), found.trials)
    complete = found.trials.filter(state="complete")
    assert found.trials["number"].to_list() == list(range(TRIALS))
    assert found.best.value == complete["value"].max()
    assert [trial.number for trial, _ in told] == list(range(TRIALS))
    assert told[-1][1] == found.best


def test_best_config_is_whole_and_is_that_of_the_best_run(whole):
    found, folder, _ = whole

    written = Config.load(folder / "best.toml")

    assert written == found.config == Run(found.run.folder).config
    assert found.run.metrics["best"]["valid_auc"] == pytest.approx(found.best.value)
    assert written.train.learning_rate == found.best.parameters["train.learning_rate"]


def test_failed_trial_is_kept_with_its_reason_and_the_search_goes_on(whole):
    found, _, _ = whole

    failed = found.trials.filter(state="failed")
    assert 0 < failed.height < TRIALS - 1
    assert failed["value"].null_count() == failed.height
    assert all("must stay finite" in reason for reason in failed["reason"])


def test_killed_search_goes_on_to_the_same_trials(whole, prepared, tmp_path, capsys):
    found, _, _ = whole
    folder, given = tmp_path / "killed", config(prepared)
    file = tmp_path / "config.toml"
    file.write_text(strict.dump_toml(given.to_dict() | {"search": SEARCH}))
    command = ["tune", str(file), "--trials", str(TRIALS), "--out", str(folder)]

    # In the middle of the second trial of two epochs that ends well.
    second = found.trials.filter(state="complete")["number"][1]
    history = folder / f"trial_{second:04d}" / "history.csv"
    _kill_when(history, [sys.executable, "-m", "ctrmoe.cli", *command])
    assert not (folder / f"trial_{second:04d}" / "model.keras").exists()
    with pytest.raises(ConfigError, match="holds a search already. Add `--resume`"):
        tune(given, SEARCH, folder, trials=TRIALS)
    with pytest.raises(ConfigError, match="was started with another config"):
        tune(config(prepared, epochs=3), SEARCH, folder, trials=TRIALS, resume=True)
    with pytest.raises(SystemExit):
        main([*command, "--resume"])

    resumed = pl.read_parquet(folder / "trials.parquet")
    assert_frame_equal(resumed.drop("seconds"), found.trials.drop("seconds"))
    assert Config.load(folder / "best.toml") == found.config
    *trials, last, following = capsys.readouterr().out.splitlines()
    assert [line[:20] for line in trials] == [
        f"trial {number} (of 4) compl" for number in range(second, TRIALS)
    ]
    assert last.endswith(f"trial {found.best.number} of 4, valid_auc {found.best.value:.4f}.")
    assert following == f"Next: ctrmoe train {folder / 'best.toml'} --out run"


def _kill_when(path, command):
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, "the search ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_trial_that_falls_behind_is_pruned(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr("ctrmoe.tuning.study.STARTUP_TRIALS", 1)
    search = {"train.learning_rate": {"choices": [0.01, 1e-9]}}

    # With this seed the third trial is the first slow one.
    found = tune(config(prepared, seed=0), search, tmp_path / "search", trials=3)

    slow = found.trials.filter(pl.col("train.learning_rate") == 1e-9)
    assert slow.height > 0
    assert set(slow["state"]) == {"pruned"}
    assert set(slow["epochs"]) == {1}
    assert set(slow["reason"]) == {"behind the median after epoch 1"}
    assert found.best.parameters == {"train.learning_rate": 0.01}


def test_smaller_is_better_for_logloss_and_no_trial_starts_after_the_timeout(prepared, tmp_path):
    given = config(prepared, monitor="click_logloss", learning_rate=1e-9, epochs=1)
    search = {"train.learning_rate": {"choices": [1e-9, 0.01]}}

    with pytest.raises(ConfigError, match="none was started before the timeout"):
        tune(given, search, tmp_path / "search", trials=9, timeout=1e-9)
    found = tune(given, search, tmp_path / "search", trials=2, resume=True)

    assert set(found.trials["train.learning_rate"]) == {1e-9, 0.01}
    assert found.best.parameters == {"train.learning_rate": 0.01}
    assert found.best.value == found.trials["value"].min()


def test_search_of_failures_only(prepared, tmp_path):
    given = config(prepared, optimizer={"kind": "sgd", "learning_rate": 1e30}, epochs=1)

    with pytest.raises(ConfigError, match="A trial must end well. Received: 1 that did not; .*nan"):
        tune(given, {"train.patience": {"choices": [0]}}, tmp_path / "search", trials=1)


def test_folder_that_cannot_be_written_ends_the_search_not_the_trial(prepared, tmp_path):
    given, folder = config(prepared, epochs=1), tmp_path / "search"
    search = {"train.learning_rate": {"choices": [0.01]}}
    folder.mkdir()
    (folder / "trial_0000").symlink_to(tmp_path / "nowhere")

    with pytest.raises(SchemaError, match="can't be written"):
        tune(given, search, folder, trials=1)
    (folder / "trial_0000").unlink()
    found = tune(given, search, folder, trials=1, resume=True)

    assert found.trials["state"].to_list() == ["complete"]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"trials": 0}, "`trials` must be at least 1"), ({"timeout": 0.0}, "`timeout` must be posi")],
)
def test_limits(prepared, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        tune(config(prepared), SEARCH, tmp_path / "search", **{"trials": 1} | options)


def test_command_prints_one_line_for_a_wrong_key(prepared, tmp_path, capsys):
    file = tmp_path / "config.toml"
    file.write_text('[search]\n"train.learing_rate" = { low = 0.001, high = 0.1 }\n')
    options = ["--trials", "2", "--set", f"data.prepared={prepared}"]

    with pytest.raises(SystemExit) as ended:
        main(["tune", str(file), *options, "--out", str(tmp_path / "search")])

    error = capsys.readouterr().err.strip()
    assert ended.value.code == 2
    assert error.startswith("error: Unknown key `train.learing_rate` in [search]. Did you mean")
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "search").exists()


def test_without_optuna_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)

    with pytest.raises(ConfigError, match=r"A search needs Optuna. .* Install `ctrmoe\[tune\]`"):
        importlib.reload(ctrmoe.tuning)
