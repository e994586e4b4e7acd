import keras
import numpy as np
import pytest


@pytest.fixture
def two_heads():
    """Builds a linear model of two tasks, `H = x A` and logits `H u_t`, from a seed."""

    def build(seed=0, width=4):
        keras.utils.set_random_seed(seed)
        x = keras.Input((3,), name="x")
        hidden = keras.layers.Dense(width, use_bias=False, name="shared")(x)
        logits = {
            task: keras.layers.Reshape((), name=task)(
                keras.layers.Dense(1, use_bias=False, name=f"{task}_tower")(hidden)
            )
            for task in ("a", "b")
        }
        return keras.Model({"x": x}, logits)

    return build


@pytest.fixture
def batch():
    """Draws `(inputs, labels, weights)` for that model."""

    def draw(rows=16, seed=0, weights=(1.0, 1.0)):
        rng = np.random.default_rng(seed)
        labels = {task: rng.integers(0, 2, rows).astype("float32") for task in ("a", "b")}
        constant = {
            task: np.full(rows, w, "float32") for task, w in zip(labels, weights, strict=True)
        }
        return {"x": rng.normal(size=(rows, 3)).astype("float32")}, labels, constant

    return draw
