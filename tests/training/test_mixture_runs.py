"""What routers and domains keep between steps survives an interruption, and several devices."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

from ctrmoe.config import Config
from ctrmoe.run import Run
from ctrmoe.training import train

# Statistics by domain, hidden domains, moving centres, noise and a loss that count steps.
MODEL = {
    "embedding": {"dim": 4},
    "domain_normalization": True,
    "domain_dropout": 0.2,
    "router": {"kind": "cluster", "adjusts": [{"kind": "noise", "stddev": 0.1}]},
    "experts": {"kind": "product", "num_experts": 3, "units": [8]},
    "mixture": {
        "balance": [
            {"kind": "switch", "weight": {"kind": "linear", "start": 0.1, "end": 0.0, "steps": 20}}
        ]
    },
    "towers": "domain",
    "tower": {"units": [4]},
}


def config(prepared, **options):
    table = {"data": {"prepared": str(prepared)}, "model": MODEL}
    own = {"epochs": 2, "batch_size": 128, "learning_rate": 0.01, "checkpoint_steps": 3, **options}
    return Config.from_dict({**table, "train": own})


class Interruption(keras.callbacks.Callback):
    """Ends the training as Control-C does, in the middle of the second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 1 and batch == 7:
            raise KeyboardInterrupt


def test_interrupted_run_resumes_to_the_same_bits(prepared, tmp_path):
    expected = train(config(prepared), tmp_path / "whole").model.weights

    with pytest.raises(KeyboardInterrupt):
        train(config(prepared), tmp_path / "broken", callbacks=[Interruption()])
    resumed = train(config(prepared), tmp_path / "broken", resume=True)

    assert resumed.metrics["steps"] == 30
    for one, two in zip(expected, Run(resumed.folder).model.weights, strict=True):
        np.testing.assert_array_equal(one, two)
    centres = resumed.model.get_layer("mixture").routers[0].scorer.centres
    np.testing.assert_allclose(np.linalg.norm(centres, axis=1), 1, atol=1e-5)


@pytest.mark.slow
def test_run_on_two_devices(prepared, tmp_path):
    code = (
        "import json, sys, tensorflow as tf\n"
        "cpu = tf.config.list_physical_devices('CPU')[0]\n"
        "device = tf.config.LogicalDeviceConfiguration()\n"
        "tf.config.set_logical_device_configuration(cpu, [device] * 2)\n"
        "from ctrmoe.config import Config\n"
        "from ctrmoe.training import train\n"
        "train(Config.from_dict(json.loads(sys.argv[1])), sys.argv[2])\n"
    )
    table = config(prepared, epochs=1, strategy="mirrored").to_dict()

    arguments = [sys.executable, "-c", code, json.dumps(table), str(tmp_path / "run")]
    done = subprocess.run(arguments, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr[-2000:]
    best = Run(tmp_path / "run").metrics["best"]
    assert 0.4 < best["valid_click_auc"] < 1 and np.isfinite(best["train_loss"])
