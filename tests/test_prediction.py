import dataclasses
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.data.packed import Encoded
from ctrmoe.prediction import Predictor

TASKS = ["click", "buy"]


def encoded(rows):
    """Rows that hold their numbers; no sequences."""
    numbers = np.arange(rows, dtype=np.int32)
    return Encoded(
        ids=np.stack([numbers, 2 * numbers], axis=1),
        sequences=np.zeros((rows, 0), np.int32),
        values=numbers[:, None].astype(np.float32),
        domain=None,
    )


def test_domain_goes_to_a_graph_that_reads_it():
    rows = dataclasses.replace(encoded(3), domain=np.array([4, 1, 3], np.int32))

    def graph(batch):
        return {"click": tf.cast(batch["domain"], tf.float32)}

    outputs = Predictor(graph, ["click"], batch_sizes=(8,), reads_domain=True)(rows)

    assert outputs["click"].tolist() == [4, 1, 3]
    with pytest.raises(KeyError, match="domain"):
        Predictor(graph, ["click"], batch_sizes=(8,))(rows)


class Graph:
    """Sums of a row's numbers, one output `[B]` and one `[B, 1]`; notes the sizes it is given."""

    def __init__(self):
        self.sizes = []
        self.traced = []
        self.function = tf.function(self._sums)

    def __call__(self, batch):
        self.sizes.append(batch["ids"].shape[0])
        return self.function(batch)

    def _sums(self, batch):
        self.traced.append(batch["ids"].shape[0])
        total = tf.reduce_sum(tf.cast(batch["ids"], tf.float32), axis=1)
        return {"click": total, "buy": (total + batch["values"][:, 0])[:, None], "unused": total}


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        (0, []),
        (1, [2]),
        (2, [2]),
        (3, [2, 2]),
        (4, [8]),
        (8, [8]),
        (9, [2, 8]),
        (50, [2, 8, 8, 8, 8, 8, 8]),
    ],
)
def test_every_row_has_its_own_prediction(rows, sizes):
    graph = Graph()
    predictor = Predictor(graph, TASKS, batch_sizes=(2, 8))

    outputs = predictor(encoded(rows))

    assert sorted(graph.sizes) == sizes
    assert list(outputs) == TASKS
    assert {column.dtype for column in outputs.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(outputs["click"], 3 * np.arange(rows))
    np.testing.assert_array_equal(outputs["buy"], 4 * np.arange(rows))


def test_graph_is_traced_once_for_each_size():
    graph = Graph()
    predictor = Predictor(graph, TASKS, batch_sizes=(2, 8))

    for rows in (1, 2, 5, 8, 9, 17, 100, 33):
        predictor(encoded(rows))

    assert sorted(graph.traced) == [2, 8]


def test_sums_of_large_tensors_run_side_by_side(monkeypatch):
    """With known batch sizes, TensorFlow's memory optimizer makes such calls fail together."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    ids = keras.Input((2,), name="ids", dtype="int32")
    values = keras.Input((1,), name="values")
    wide = [keras.layers.Dense(4096, kernel_initializer="ones")(values) for _ in range(3)]
    model = keras.Model([ids, values], {"click": keras.ops.mean(sum(wide[1:], wide[0]), axis=-1)})
    predictor = Predictor.of_model(model, ["click"])

    for rows in (4 * 4096, 3 * 4096 + 70):
        outputs = predictor(encoded(rows))
        np.testing.assert_allclose(outputs["click"], 3 * np.arange(rows), rtol=1e-6)

    assert predictor.graph.experimental_get_tracing_count() == 1


def test_two_batches_run_at_the_same_time(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    both = threading.Barrier(2, timeout=10)

    def graph(batch):
        both.wait()  # passes only when two calls have come this far
        return {"click": batch["values"]}

    outputs = Predictor(graph, ["click"], batch_sizes=(8,))(encoded(16))

    np.testing.assert_array_equal(outputs["click"], np.arange(16))


def test_error_of_a_batch_is_raised():
    def graph(batch):
        if float(batch["values"][0, 0]) == 8:
            raise RuntimeError("second batch")
        return {"click": batch["values"]}

    with pytest.raises(RuntimeError, match="second batch"):
        Predictor(graph, ["click"], batch_sizes=(8,))(encoded(24))
