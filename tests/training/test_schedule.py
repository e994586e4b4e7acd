"""The learning rate along a training."""

import math

import keras
import pytest

from ctrmoe.config import Config, TrainConfig
from ctrmoe.training import compile_model
from ctrmoe.training.schedule import learning_rate


def test_constant_is_the_number_of_the_config():
    assert learning_rate(TrainConfig(learning_rate=0.02), steps=100) == 0.02


def test_cosine_rises_to_the_peak_and_falls_to_zero():
    schedule = learning_rate(TrainConfig(learning_rate=0.02, schedule="cosine"), steps=100)

    expected = {
        0: 0.002,
        3: 0.02 * (0.1 + 0.9 * 3 / 5),
        5: 0.02,
        43: 0.01 * (1 + math.cos(math.pi * 38 / 95)),
        100: 0.0,
    }
    for step, value in expected.items():
        assert float(schedule(step)) == pytest.approx(value, abs=1e-8)


def test_cosine_of_few_steps_has_no_rise():
    schedule = learning_rate(TrainConfig(learning_rate=0.02, schedule="cosine"), steps=4)

    assert float(schedule(0)) == pytest.approx(0.02)
    assert float(schedule(4)) == pytest.approx(0.0, abs=1e-8)


def test_compiled_model_follows_the_schedule(clicks):
    schema = clicks.schema()
    inputs = keras.Input((2,))
    logits = {task.name: keras.layers.Dense(1, name=task.name)(inputs) for task in schema.tasks}
    model = keras.Model(inputs, logits)
    config = Config.from_dict({"train": {"schedule": "cosine", "learning_rate": 0.02}})

    compile_model(model, config, schema, steps=100)
    first = float(model.optimizer.learning_rate)
    model.optimizer.iterations.assign(100)

    assert first == pytest.approx(0.002)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.0, abs=1e-8)
