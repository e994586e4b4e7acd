import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers.fused_table import FusedTable

ROWS, DIM = 40, 3


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(7)


@pytest.fixture
def sparse_gradients():
    """Returns a maker of `IndexedSlices` whose ids occur several times and leave rows out."""

    def make(steps=6, rows=ROWS, occurrences=30, ids=None):
        rng = np.random.default_rng(11)
        gradients = []
        for _ in range(steps):
            drawn = rng.integers(0, rows // 2, occurrences) if ids is None else np.array(ids)
            values = rng.normal(size=(len(drawn), DIM)).astype("float32")
            gradients.append(
                tf.IndexedSlices(tf.constant(values), tf.constant(drawn), tf.constant([rows, DIM]))
            )
        return gradients

    return make


@pytest.fixture
def train():
    """Returns a function that applies gradients to a table and gives the table and the slots."""

    def apply_all(optimizer, gradients, start=None):
        table = keras.Variable(np.zeros((ROWS, DIM), "float32") if start is None else start)
        for gradient in gradients:
            optimizer.apply([gradient], [table])
        slots = [v.numpy() for v in optimizer.variables if v.shape == table.shape]
        return table.numpy(), slots

    return apply_all


@pytest.fixture
def make_model():
    """Returns a maker of a compiled model that reads one table by each kind of lookup."""

    def make(optimizer, **compile_options):
        keras.utils.set_random_seed(7)
        ids = keras.Input((4,), dtype="int32")
        fused = FusedTable([ROWS // 2] * 2, [0, 0, 1, 1], DIM, name="fused")(ids)
        embedding = keras.layers.Embedding(ROWS, DIM)(ids)
        joined = keras.layers.Concatenate()([fused, embedding])
        hidden = keras.layers.Dense(8, activation="tanh")(keras.layers.Flatten()(joined))
        model = keras.Model(ids, keras.layers.Dense(1, dtype="float32")(hidden))
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(optimizer, loss, **{"jit_compile": False, **compile_options})
        return model

    return make


@pytest.fixture
def rows_and_labels():
    rng = np.random.default_rng(3)
    ids = rng.integers(0, ROWS // 2, (128, 4)).astype("int32")
    return ids, rng.integers(0, 2, (128, 1)).astype("float32")
