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
from ctrmoe.data.encode import Encoder
from ctrmoe.data.prepare import prepare
from ctrmoe.evaluation import evaluate
from ctrmoe.export import export
from ctrmoe.run import Run
from ctrmoe.schema import SchemaError
from ctrmoe.scorer import Scorer
from ctrmoe.training import train, training_feed

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
    return [np.asarray(variable) for variable in Run(run.folder).model.weights]


def test_run_folder_is_enough_to_go_on(prepared, tmp_path):
    run = train(config(prepared), tmp_path / "run")

    names = {path.name for path in run.folder.iterdir()}
    assert names == {
        "config.json", "manifest.json", "schema.toml", "vocabularies", "model.keras",
        "metrics.json", "history.csv", "logs",
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


def test_domain_temperature_reaches_the_feed(prepared):
    options = {"prepared": str(prepared), "domain_temperature": 1e9}
    evened = Config.from_dict(SMALL | {"data": options, "train": {"batch_size": 1}})
    plain = Config.from_dict(evened.to_dict() | {"data": {"prepared": str(prepared)}})
    encoder = Encoder.load(prepared)
    place = [feature.name for feature in encoder.schema.single].index("placement")

    shares = []
    for given in (plain, evened):
        feed = training_feed(given, prepared, encoder.schema)
        rows = [inputs["ids"][0, place] for inputs, _, _ in feed.batches(0, feed.steps_per_epoch)]
        shares.append(np.bincount(rows, minlength=6)[3:] / len(rows))

    assert np.ptp(shares[0]) > 0.2
    np.testing.assert_allclose(shares[1], 1 / 3, atol=0.02)


def test_schema_without_a_domain_leaves_no_run(clicks, tmp_path):
    rows, schema = clicks.frame(300), clicks.schema().replace(domain="")
    prepare(schema, rows, out=tmp_path / "prepared")
    options = {"prepared": str(tmp_path / "prepared"), "domain_temperature": 2.0}

    with pytest.raises(SchemaError, match="`data.domain_temperature` must be 1 where the schema"):
        train(Config.from_dict(SMALL | {"data": options}), tmp_path / "run")

    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def whole(prepared, tmp_path_factory):
    """A training of three epochs that nothing interrupted."""
    return train(config(prepared, epochs=3), tmp_path_factory.mktemp("whole") / "run")


@pytest.mark.slow
@pytest.mark.parametrize("checkpoint_steps", [0, 3])
def test_killed_training_resumes_to_the_same_bits(whole, prepared, tmp_path, checkpoint_steps):
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
    assert all(np.array_equal(a, b) for a, b in zip(weights(whole), resumed, strict=True))
    steps = json.loads((tmp_path / "killed" / "metrics.json").read_text())["steps"]
    assert steps == whole.metrics["steps"]


def _kill_after_a_checkpoint(command, folder):
    process = subprocess.Popen(command, start_new_session=True)
    deadline = time.monotonic() + 120
    while not list(folder.glob("checkpoint-*")):
        assert process.poll() is None, "the training ended before its first checkpoint"
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_one_task_may_be_followed(prepared, tmp_path):
    run = train(config(prepared, epochs=3, monitor="conversion_logloss"), tmp_path / "run")

    history = pl.read_csv(run.folder / "history.csv")
    best = run.metrics["best"]["valid_conversion_logloss"]
    assert best == pytest.approx(history["valid_conversion_logloss"].min())


def test_an_unknown_task_cannot_be_followed(prepared, tmp_path):
    with pytest.raises(ConfigError, match="`train.monitor` must be one of auc, logloss, click_auc"):
        train(config(prepared, monitor="buy_auc"), tmp_path / "run")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("existing", [False, True])
def test_a_config_that_cannot_be_built_leaves_no_run_in_the_way(prepared, tmp_path, existing):
    table = config(prepared, epochs=1).to_dict()
    broken = Config.from_dict({**table, "model": {"pooling": {"kind": "meen"}}})
    out = tmp_path / "run"
    if existing:
        out.mkdir()
        (out / "notes.txt").write_text("mine")

    with pytest.raises(ConfigError, match="Did you mean 'mean'"):
        train(broken, out)

    assert out.exists() == existing
    assert train(Config.from_dict(table), out).finished
    assert (out / "notes.txt").exists() == existing


def test_rows_without_a_label_count_for_the_other_tasks_only(clicks, tmp_path):
    frame = clicks.frame(1_500)
    hidden = frame.with_columns(
        conversion=pl.when(pl.int_range(len(frame)) % 2 == 0).then("conversion")
    )
    prepare(clicks.schema(), hidden, valid=frame, out=tmp_path / "prepared")

    run = train(config(tmp_path / "prepared", epochs=1), tmp_path / "run")

    history = pl.read_csv(run.folder / "history.csv")
    assert np.isfinite(history["train_loss"].to_numpy()).all()
    result = evaluate(run, [_written(hidden, tmp_path)]).result()
    only = evaluate(run, [_written(hidden.drop_nulls("conversion"), tmp_path)]).result()
    assert result["rows"] == 1_500
    assert result["tasks"]["conversion"] == only["tasks"]["conversion"]


def _written(frame, folder):
    path = folder / f"{len(frame)}.parquet"
    frame.write_parquet(path)
    return path


def test_early_stopping_keeps_the_best_weights(prepared, tmp_path):
    run = train(config(prepared, epochs=8, patience=1, learning_rate=0.1), tmp_path / "run")

    history = pl.read_csv(run.folder / "history.csv")
    best = run.metrics["best_epoch"]
    assert history.height == best + 1 < 8
    assert history["valid_auc"].arg_max() + 1 == best


def test_folder_that_holds_a_run(prepared, tmp_path):
    given = config(prepared, epochs=1)
    train(given, tmp_path / "run")

    with pytest.raises(ConfigError, match="holds a finished run already. Choose another folder"):
        train(given, tmp_path / "run")
    with pytest.raises(ConfigError, match="another config. Received: train.epochs=2 instead of 1"):
        train(config(prepared, epochs=2), tmp_path / "run", resume=True)
    assert train(given, tmp_path / "run", resume=True).finished


def test_training_without_a_validation_part_keeps_the_last_epoch(clicks, tmp_path):
    prepare(clicks.schema(), clicks.frame(400), out=tmp_path / "prepared")

    run = train(config(tmp_path / "prepared", patience=1), tmp_path / "run")

    assert run.metrics["best_epoch"] == 2
    assert not any(name.startswith("valid_") for name in run.metrics["best"])


def test_loss_that_is_not_finite(prepared, tmp_path):
    given = config(prepared, learning_rate=1e30, optimizer={"kind": "sgd"})

    with pytest.raises(ConfigError, match="must stay finite. Received: nan in epoch 1. Lower"):
        train(given, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("folder", "received"), [("", "none"), ("absent", "no schema.toml in absent")]
)
def test_data_that_is_not_prepared(tmp_path, folder, received):
    with pytest.raises(ConfigError, match=f"`data.prepared` must name a .* Received: {received}"):
        train(config(folder), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "tasks"),
    [
        ({"negative_rate": 0.25}, ["click"]),
        ({"positive_weight": 4.0}, ["click"]),
        ({"negative_rate": 0.5}, ["click", "conversion"]),
    ],
)
def test_probabilities_are_corrected_for_sampling_and_weights(clicks, tmp_path, options, tasks):
    """P13: the mean prediction stays within 2 % of the click rate, a domain's within 5 %."""
    schema = clicks.schema()
    schema = schema.replace(tasks=tuple(t for t in schema.tasks if t.name in tasks))
    # So many rows that the click rates of the two samples differ by far less than the limits.
    prepare(schema, clicks.frame(200_000), out=tmp_path / "prepared")
    rate = {"negative_rate": options.get("negative_rate", 1.0)}
    weight = {"positive_weight": options.get("positive_weight", 1.0)}
    table = config(tmp_path / "prepared", epochs=3, learning_rate=0.005, **weight).to_dict()
    table["train"] |= {"schedule": "cosine", "batch_size": 512}
    # Dropout on the tokens alone moves the mean prediction by 8 % here.
    table["model"]["embedding"]["dropout"] = 0.0
    table["model"]["wide"] = True  # a bias for each domain
    table["data"] |= rate
    run = train(Config.from_dict(table), tmp_path / "run")
    holdout = clicks.frame(200_000, start=200_000)

    holdout.write_parquet(tmp_path / "holdout.parquet")
    result = evaluate(run, [tmp_path / "holdout.parquet"]).result()
    exported = Scorer.load(export(run, tmp_path / "clicks")).score(holdout)

    for task in tasks:
        assert result["tasks"][task]["pcoc"] == pytest.approx(1, abs=0.02)
        mean = exported[f"{task}_probability"].mean()
        assert mean / holdout[task].mean() == pytest.approx(1, abs=0.02)
        for figures in result["domains"].values():
            if figures[task]["positives"] >= 2_000:
                assert figures[task]["pcoc"] == pytest.approx(1, abs=0.05)


@pytest.mark.slow
def test_mirrored_training_on_two_devices_equals_one(prepared, tmp_path):
    """P10: the same global batches on two logical CPUs, in processes of their own."""
    code = (
        "import sys, tensorflow as tf\n"
        "count, prepared, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]\n"
        "cpu = tf.config.list_physical_devices('CPU')[0]\n"
        "device = tf.config.LogicalDeviceConfiguration()\n"
        "tf.config.set_logical_device_configuration(cpu, [device] * count)\n"
        "from ctrmoe.config import Config\n"
        "from ctrmoe.training import train\n"
        "strategy = 'mirrored' if count > 1 else 'none'\n"
        "train(Config.from_dict({\n"
        "    'data': {'prepared': prepared},\n"
        "    'model': {'embedding': {'dim': 4}, 'interaction':\n"
        "        {'kind': 'autoint', 'num_layers': 1, 'num_heads': 2, 'key_dim': 4}},\n"
        "    'train': {'epochs': 1, 'batch_size': 128, 'strategy': strategy}}), out)\n"
    )
    for count in (1, 2):
        out = tmp_path / str(count)
        arguments = [sys.executable, "-c", code, str(count), prepared, out]
        done = subprocess.run(arguments, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]

    for one, two in zip(weights(Run(tmp_path / "1")), weights(Run(tmp_path / "2")), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)


def test_tables_and_the_rest_have_their_own_optimizers(prepared, tmp_path):
    tables = {"kind": "adagrad", "learning_rate": 0.1}
    given = config(prepared, optimizer=tables, dense_optimizer={"kind": "lazy_adam"})

    run = train(given, tmp_path / "run")

    assert run.metrics["best"]["valid_auc"] > 0.55


@pytest.mark.parametrize("part", ["optimizer", "dense_optimizer"])
def test_unknown_optimizer(prepared, tmp_path, part):
    with pytest.raises(ConfigError, match="can't be built.*Did you mean `lazy_adam`"):
        train(config(prepared, **{part: {"kind": "lasy_adam"}}), tmp_path / "run")


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
