"""What a run's manifest says, and that a run is not resumed on other data."""

import json
import platform
import shutil
import subprocess

import keras
import polars as pl
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

import ctrmoe
from ctrmoe.config import Config, ConfigError
from ctrmoe.data.encoded import list_row_groups
from ctrmoe.data.prepare import prepare
from ctrmoe.training import train
from ctrmoe.training.manifest import config_hash, data_fingerprint, git_state


@pytest.fixture
def copy(prepared, tmp_path):
    """A copy of the prepared folder that a test may change."""
    return shutil.copytree(prepared, tmp_path / "copy")


def config(prepared, seed=5):
    table = {
        "seed": seed,
        "data": {"prepared": str(prepared)},
        "model": {"deep": {"units": [4]}, "embedding": {"dim": 2}},
        "train": {"epochs": 1, "batch_size": 128},
    }
    return Config.from_dict(table)


class KilledError(Exception):
    pass


class KilledAtOnce(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        raise KilledError


def start_and_kill(given, out):
    with pytest.raises(KilledError):
        train(given, out, callbacks=[KilledAtOnce()])


def test_manifest_is_there_from_the_start(prepared, tmp_path):
    start_and_kill(config(prepared), tmp_path / "run")

    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["ctrmoe"] == ctrmoe.__version__
    assert manifest["packages"]["python"] == platform.python_version()
    assert manifest["packages"]["tensorflow"] == tf.__version__
    assert manifest["packages"]["polars"] == pl.__version__
    assert set(manifest["packages"]) >= {"keras", "numpy", "pyarrow"}
    assert manifest["config"] == config_hash(config(prepared))
    assert manifest["data"] == data_fingerprint(prepared)
    assert (manifest["seed"], manifest["deterministic"]) == (5, True)
    assert manifest["devices"][0]["name"] == "/physical_device:CPU:0"
    assert {"git_sha", "git_dirty"} <= set(manifest)


def test_config_hash_does_not_depend_on_the_order_of_keys(prepared):
    table = config(prepared).to_dict()
    reversed_keys = Config.from_dict(dict(reversed(table.items())))

    assert config_hash(reversed_keys) == config_hash(config(prepared))
    assert config_hash(config(prepared, seed=6)) != config_hash(config(prepared))


def test_fingerprint_is_that_of_the_same_data_elsewhere(clicks, prepared, copy, tmp_path):
    valid = clicks.frame(600, start=2_000)
    prepare(clicks.schema(), clicks.frame(2_000), valid=valid, out=tmp_path / "again")

    assert data_fingerprint(copy) == data_fingerprint(prepared)
    assert data_fingerprint(tmp_path / "again") == data_fingerprint(prepared)


def change_schema(folder):
    path = folder / "schema.toml"
    path.write_text(path.read_text().replace('name = "click"', 'name = "clock"'))


def change_vocabulary(folder):
    path = folder / "vocabularies" / "item_id.txt"
    path.write_text("\n".join([*reversed(path.read_text().split()), ""]))


def drop_a_row(folder):
    path = folder / "train" / "part-00000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)


def change_validation(folder):
    path = folder / "valid" / "part-00000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take(list(reversed(range(len(table))))), path)


def add_a_file(folder):
    shutil.copy(folder / "train" / "part-00000.parquet", folder / "train" / "part-00001.parquet")


def change_a_value(folder):
    """Leaves the length of the file and its footer alone."""
    path = folder / "train" / "part-00000.parquet"
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "change",
    [
        change_schema,
        change_vocabulary,
        drop_a_row,
        change_validation,
        add_a_file,
        change_a_value,
    ],
)
def test_fingerprint_changes_with_the_data(copy, change):
    before = data_fingerprint(copy)

    change(copy)

    assert data_fingerprint(copy) != before


def test_fingerprint_of_other_rows_of_the_same_number(clicks, tmp_path):
    for name, start in (("a", 0), ("b", 5_000)):
        prepare(clicks.schema(), clicks.frame(500, start=start), out=tmp_path / name)
    groups = [list_row_groups(tmp_path / name / "train")[0].rows for name in "ab"]

    assert groups[0] == groups[1]
    assert data_fingerprint(tmp_path / "a") != data_fingerprint(tmp_path / "b")


def test_resuming_on_other_data_is_refused(copy, tmp_path):
    start_and_kill(config(copy), tmp_path / "run")
    drop_a_row(copy)

    with pytest.raises(ConfigError, match="must hold the data that .*run was started with.*Train"):
        train(config(copy), tmp_path / "run", resume=True)
    assert not (tmp_path / "run" / "model.keras").exists()


def test_resuming_on_the_same_data(copy, tmp_path):
    start_and_kill(config(copy), tmp_path / "run")
    started = (tmp_path / "run" / "manifest.json").read_bytes()

    run = train(config(copy), tmp_path / "run", resume=True)

    assert run.finished
    assert (tmp_path / "run" / "manifest.json").read_bytes() == started


def test_finished_run_outlives_its_data_but_does_not_take_other_data(copy, tmp_path):
    train(config(copy), tmp_path / "run")

    drop_a_row(copy)
    with pytest.raises(ConfigError, match="Received: other data, prepared since"):
        train(config(copy), tmp_path / "run", resume=True)
    shutil.rmtree(copy)
    assert train(config(copy), tmp_path / "run", resume=True).finished


@pytest.fixture
def checkout(tmp_path):
    """A git repository with one commit of a package, and a function that runs git in it."""
    folder = tmp_path / "checkout"
    package = folder / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (folder / ".gitignore").write_text("/venv\n")

    def git(*arguments):
        identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        command = ["git", "-C", folder, *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init")
    git("add", ".")
    git("commit", "--message", "One")
    return folder, git


def test_git_state_of_a_checkout(checkout):
    folder, git = checkout
    sha = git("rev-parse", "HEAD")

    (folder / "notes.txt").touch()
    assert git_state(folder / "package") == {"git_sha": sha, "git_dirty": False}
    (folder / "package" / "new.py").touch()
    assert git_state(folder / "package") == {"git_sha": sha, "git_dirty": True}


def test_git_state_of_a_package_installed_inside_of_another_checkout(checkout):
    folder, _ = checkout
    installed = folder / "venv" / "package"
    installed.mkdir(parents=True)
    (installed / "__init__.py").touch()

    assert git_state(installed) == {"git_sha": None, "git_dirty": None}


def test_git_state_without_git(checkout, monkeypatch):
    monkeypatch.setenv("PATH", "")

    assert git_state(checkout[0] / "package") == {"git_sha": None, "git_dirty": None}
