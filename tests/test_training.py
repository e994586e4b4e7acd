"""Training end to end on a small table: determinism, resuming, corrections."""

import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import polars as pl
import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.run import Run
from ctrmoe.training import train

SMALL = {
    "seed": 5,
    "model": {
        "embedding": {"dim": 4, "dropout": 0.1},
        "interaction": {"kind": "autoint", "num_layers": 1, "num_heads": 2, "key_dim": 4},
    },
    "train": {"epochs": 2, "batch_size": 128, "learning_rate": 0.01, "patience": 0},
}


def config(prepared, **train_options):
    table = SMALL | {"data": {"prepared": str(prepared)}}
    return Config.from_dict(table | {"train": SMALL["train"] | train_options})


def weights(run):
    return [np.asarray(v) for v in Run(run.folder).model.weights]


def test_run_folder_is_enough_to_go_on(prepared, tmp_path):
    run = train(config(prepared), tmp_path / "run")

    names = {path.name for path in run.folder.iterdir()}
    assert names == {
        "config.json", "schema.toml", "vocabularies", "model.keras", "metrics.json",
        "history.csv", "logs",
    }  # fmt: skip
    history = pl.read_csv(run.folder / "history.csv")
    assert history["epoch"].to_list() == [1, 2]
    assert history["train_loss"][1] < history["train_loss"][0]
    assert run.metrics["best"]["valid_auc"] == pytest.approx(history["valid_auc"].max())
    assert run.metrics["best"]["valid_auc"] > 0.55


def test_two_runs_are_equal_to_the_bit(prepared, tmp_path):
    first = weights(train(config(prepared), tmp_path / "a"))
    second = weights(train(config(prepared), tmp_path / "b"))

    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_other_seed_gives_another_run(prepared, tmp_path):
    base = config(prepared, epochs=1)
    other = Config.from_dict(base.to_dict() | {"seed": 6})

    first, second = train(base, tmp_path / "a"), train(other, tmp_path / "b")

    assert not np.array_equal(weights(first)[0], weights(second)[0])


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint_steps", [0, 3])
def test_killed_training_resumes_to_the_same_bits(prepared, tmp_path, checkpoint_steps):
    given = config(prepared, epochs=3, checkpoint_steps=checkpoint_steps)
    expected = weights(train(given, tmp_path / "whole"))
    file = tmp_path / "config.toml"
    overrides = [f"data.prepared={prepared}", f"train.checkpoint_steps={checkpoint_steps}"]
    file.write_text(
        "seed = 5\n[model.embedding]\ndim = 4\ndropout = 0.1\n"
        '[model.interaction]\nkind = "autoint"\nnum_layers = 1\nnum_heads = 2\nkey_dim = 4\n'
        "[train]\nepochs = 3\nbatch_size = 128\nlearning_rate = 0.01\npatience = 0\n"
    )
    command = [sys.executable, "-m", "ctrmoe.cli", "train", str(file), "--out", tmp_path / "killed"]
    command += [part for override in overrides for part in ("--set", override)]

    _kill_after_a_checkpoint(command, tmp_path / "killed")
    assert not (tmp_path / "killed" / "model.keras").exists()
    subprocess.run([*command, "--resume"], check=True)

    resumed = weights(Run(tmp_path / "killed"))
    assert all(np.array_equal(a, b) for a, b in zip(expected, resumed, strict=True))
    steps = json.loads((tmp_path / "killed" / "metrics.json").read_text())["steps"]
    assert steps == json.loads((tmp_path / "whole" / "metrics.json").read_text())["steps"]


def _kill_after_a_checkpoint(command, folder):
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(folder.glob("checkpoint-*")):
        assert process.poll() is None, "the training ended before its first checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_early_stopping_keeps_the_best_weights(prepared, tmp_path):
    run = train(config(prepared, epochs=8, patience=1, learning_rate=0.1), tmp_path / "run")

    history = pl.read_csv(run.folder / "history.csv")
    best = run.metrics["best_epoch"]
    assert history.height == best + 1 < 8
    assert history["valid_auc"].arg_max() + 1 == best


def test_folder_that_holds_a_run(prepared, tmp_path):
    given = config(prepared, epochs=1)
    train(given, tmp_path / "run")

    with pytest.raises(ConfigError, match="holds a run already. Add `--resume`"):
        train(given, tmp_path / "run")
    with pytest.raises(ConfigError, match="was started with another config"):
        train(config(prepared, epochs=2), tmp_path / "run", resume=True)
    assert train(given, tmp_path / "run", resume=True).finished


def test_config_without_data(tmp_path):
    with pytest.raises(ConfigError, match="`data.prepared` must name a folder"):
        train(Config(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_batch_larger_than_the_data(prepared, tmp_path):
    with pytest.raises(ValueError, match="must hold at least one batch of 1000000 rows"):
        train(config(prepared, batch_size=1_000_000), tmp_path / "run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "autoin"}, "Did you mean 'autoint'"),
        ({"kind": "autoint", "num_head": 2}, "Did you mean 'num_heads'"),
    ],
)
def test_unknown_part_of_the_model(prepared, tmp_path, options, message):
    table = config(prepared).to_dict()
    table["model"]["interaction"] = options

    with pytest.raises(ConfigError, match=message):
        train(Config.from_dict(table), tmp_path / "run")


@pytest.mark.parametrize("precision", ["mixed_bfloat16"])
def test_mixed_precision_learns_and_leaves_the_policy_alone(prepared, tmp_path, precision):
    run = train(config(prepared, precision=precision), tmp_path / "run")

    assert run.metrics["best"]["valid_auc"] > 0.55
    assert keras.config.dtype_policy().name == "float32"
    assert {str(v.dtype) for v in run.model.trainable_variables} == {"float32"}


def test_steps_per_execution_changes_nothing(prepared, tmp_path):
    one = weights(train(config(prepared), tmp_path / "one"))
    several = weights(train(config(prepared, steps_per_execution=4), tmp_path / "several"))

    for a, b in zip(one, several, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
