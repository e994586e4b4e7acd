import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from ctrmoe.optimizers import LazyAdam, SparseAdagrad, SparseFtrl

OPTIMIZERS = [SparseAdagrad, LazyAdam, SparseFtrl]


def on_tables(optimizer):
    """`optimizer` for the tables and Adam for the layers, which FTRL would set to zero."""
    tables = {".*(table|embeddings)": optimizer}
    layers = keras.optimizers.Adam(0.1)
    return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(layers, tables))


def fit(model, rows_and_labels, epochs=2):
    model.fit(*rows_and_labels, batch_size=16, epochs=epochs, shuffle=False, verbose=0)
    return model.get_weights()


def assert_bit_equal(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_loss_falls(optimizer, make_model, rows_and_labels):
    model = make_model(on_tables(optimizer(0.1)))
    before = model.evaluate(*rows_and_labels, verbose=0)

    fit(model, rows_and_labels, epochs=10)

    assert model.evaluate(*rows_and_labels, verbose=0) < 0.9 * before


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_saved_model_takes_the_same_next_steps(optimizer, make_model, rows_and_labels, tmp_path):
    model = make_model(optimizer(0.1, global_clipnorm=0.5))
    fit(model, rows_and_labels)
    model.save(tmp_path / "model.keras")

    loaded = keras.models.load_model(tmp_path / "model.keras")

    assert type(loaded.optimizer) is optimizer
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert_bit_equal(fit(loaded, rows_and_labels), fit(model, rows_and_labels))
    assert_bit_equal(loaded.optimizer.variables, model.optimizer.variables)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_per_execution_changes_nothing(optimizer, make_model, rows_and_labels):
    weights = fit(make_model(optimizer(0.1), steps_per_execution=4), rows_and_labels)

    assert_bit_equal(weights, fit(make_model(optimizer(0.1)), rows_and_labels))


def test_eager_steps_equal_those_of_the_graph_under_a_schedule(make_model, rows_and_labels):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5)

    weights = fit(make_model(LazyAdam(schedule), run_eagerly=True), rows_and_labels, epochs=1)

    graph = fit(make_model(LazyAdam(schedule)), rows_and_labels, epochs=1)
    for one, other in zip(weights, graph, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_mixed_bfloat16_trains_float32_variables(optimizer, make_model, rows_and_labels):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = make_model(on_tables(optimizer(0.1)))
    finally:
        keras.config.set_dtype_policy(before)

    first = model.evaluate(*rows_and_labels, verbose=0)
    fit(model, rows_and_labels, epochs=10)

    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert {v.dtype for v in model.optimizer.variables} == {"int64", "float32"}
    assert model.evaluate(*rows_and_labels, verbose=0) < 0.9 * first


def test_loss_scale_optimizer_gives_the_same_weights(make_model, rows_and_labels):
    scaled = keras.optimizers.LossScaleOptimizer(LazyAdam(0.1), initial_scale=2.0**10)

    weights = fit(make_model(scaled), rows_and_labels)

    for one, other in zip(weights, fit(make_model(LazyAdam(0.1)), rows_and_labels), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_multi_optimizer_gives_tables_and_layers_their_own(make_model, rows_and_labels):
    weights = fit(make_model(on_tables(LazyAdam(0.1))), rows_and_labels)

    assert_bit_equal(weights, fit(make_model(LazyAdam(0.1)), rows_and_labels))


@pytest.mark.slow
def test_mirrored_strategy_equals_one_device(repository):
    """The number of devices is fixed once TensorFlow has started: a process of its own."""
    command = [sys.executable, str(Path(__file__).parent / "mirrored_fit.py")]
    environment = {**os.environ, "PYTHONPATH": str(repository)}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr[-3000:]
    compared = [line.split() for line in done.stdout.splitlines()]
    assert len(compared) == 5
    assert {float(difference) < 1e-5 for _, difference, _ in compared} == {True}
    assert min(float(moved) for _, _, moved in compared) > 1e-3
