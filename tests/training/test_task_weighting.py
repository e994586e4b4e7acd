"""What every weighting of tasks shares, in whole trainings."""

import subprocess
import sys

import keras
import numpy as np
import polars as pl
import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.data.prepare import prepare
from ctrmoe.run import Run
from ctrmoe.training import train
from ctrmoe.training.gradient_norm import GradientNormWeighting
from ctrmoe.training.uncertainty import UncertaintyWeighting

WEIGHTINGS = {"uncertainty": UncertaintyWeighting, "gradient_norm": GradientNormWeighting}


def config(prepared, weighting, **options):
    return Config.from_dict(
        {
            "seed": 5,
            "data": {"prepared": str(prepared)},
            "model": {"embedding": {"dim": 4, "dropout": 0.1}, "deep": {"units": [8]}},
            "train": {
                "epochs": 2,
                "batch_size": 128,
                "learning_rate": 0.01,
                "patience": 0,
                "task_weighting": weighting,
                **options,
            },
        }
    )


def weights(run):
    return [np.asarray(variable) for variable in Run(run.folder).model.weights]


class Interrupt(keras.callbacks.Callback):
    """Ends the process's training in the middle of the second epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if self.params["epochs"] == 2 and batch == 4:
            raise InterruptedError


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_interrupted_training_resumes_to_the_same_bits(prepared, tmp_path, weighting):
    given = config(prepared, weighting, checkpoint_steps=3)
    whole = train(given, tmp_path / "whole")

    with pytest.raises(InterruptedError):
        train(given, tmp_path / "cut", callbacks=[Interrupt()])
    resumed = train(given, tmp_path / "cut", resume=True)

    assert all(np.array_equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))
    histories = [pl.read_csv(run.folder / "history.csv") for run in (whole, resumed)]
    for task in ("click", "conversion"):
        column = f"weight_{task}"
        assert histories[0][column].to_list() == histories[1][column].to_list()
        assert histories[0][column].n_unique() == 2
    assert np.isfinite(histories[0].drop("epoch").to_numpy()).all()
    assert {"train_loss", "train_click_loss", "valid_auc"} < set(histories[0].columns)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_one_task_is_refused(clicks, tmp_path, weighting):
    schema = clicks.schema()
    prepare(schema.replace(tasks=schema.tasks[:1]), clicks.frame(200), out=tmp_path / "prepared")

    with pytest.raises(ConfigError, match="must be fixed for a schema with one task. Received: '"):
        train(config(tmp_path / "prepared", weighting), tmp_path / "run")

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("weighting", WEIGHTINGS.values())
def test_a_task_without_any_label_in_a_batch(two_heads, batch, weighting):
    inputs, labels, weights = batch()
    model = two_heads()
    fitted = weighting(model, {"a": 1.0, "b": 1.0})
    fitted.compile(keras.optimizers.SGD(0.1))
    towers = {task: model.get_layer(f"{task}_tower").kernel for task in labels}
    before = {task: np.array(kernel) for task, kernel in towers.items()}
    none = {"a": weights["a"], "b": np.zeros_like(weights["b"])}

    fitted.train_on_batch(inputs, labels, sample_weight=none)
    first = fitted.effective_weights()
    fitted.train_on_batch(inputs, labels, sample_weight={"a": none["b"], "b": none["b"]})
    after_none = fitted.effective_weights()
    logs = fitted.train_on_batch(inputs, labels, sample_weight=weights, return_dict=True)

    assert first["b"] == pytest.approx(1) and after_none == first
    assert not np.array_equal(towers["a"], before["a"])
    assert all(np.isfinite(variable).all() for variable in fitted.variables)
    assert all(np.isfinite(value) for value in logs.values())


@pytest.mark.parametrize("weighting", WEIGHTINGS.values())
def test_what_layers_add_to_the_loss_counts_once(two_heads, batch, weighting):
    inputs, labels, weights = batch()
    model = two_heads()
    model.get_layer("shared").kernel.regularizer = keras.regularizers.L2(10.0)
    penalty = 10 * float(np.square(model.get_layer("shared").kernel).sum())
    fitted = weighting(model, {"a": 1.0, "b": 2.0})
    fitted.compile(keras.optimizers.SGD(0.0))

    logs = fitted.train_on_batch(inputs, labels, sample_weight=weights, return_dict=True)

    tasks = logs["a_loss"] + 2 * logs["b_loss"]
    assert logs["loss"] == pytest.approx(tasks + penalty, rel=1e-5)
    assert penalty > 1


def test_uncertainty_on_two_devices_equals_one():
    code = """
import keras, numpy as np, sys, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
device = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [device] * 2)
from ctrmoe.training.uncertainty import UncertaintyWeighting

rng = np.random.default_rng(0)
x = rng.normal(size=(32, 3)).astype("float32")
y = {task: rng.integers(0, 2, 32).astype("float32") for task in "ab"}

def trained(strategy):
    with strategy.scope():
        keras.utils.set_random_seed(1)
        inputs = keras.Input((3,))
        hidden = keras.layers.Dense(4, kernel_regularizer="l2")(inputs)
        heads = {task: keras.layers.Dense(1)(hidden) for task in y}
        logits = {task: keras.layers.Reshape(())(head) for task, head in heads.items()}
        fitted = UncertaintyWeighting(keras.Model(inputs, logits), {"a": 1.0, "b": 3.0})
        fitted.compile(keras.optimizers.SGD(0.1))
    data = tf.data.Dataset.from_tensor_slices((x, y, y)).batch(16)
    logs = fitted.fit(data, epochs=2, verbose=0).history
    return [np.asarray(w) for w in fitted.weights], logs["loss"]

one, two = trained(tf.distribute.get_strategy()), trained(tf.distribute.MirroredStrategy())
for a, b in zip(one[0], two[0], strict=True):
    np.testing.assert_allclose(a, b, atol=1e-6)
np.testing.assert_allclose(one[1], two[1], rtol=1e-5)
assert np.abs(one[0][0]).min() > 1e-3
"""

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr[-2000:]
