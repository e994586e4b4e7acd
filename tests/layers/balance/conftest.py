import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture
def routing_of():
    """Returns a function that makes a routing of logits and choices."""

    def make(logits, index):
        return {"logits": logits, "probs": tf.nn.softmax(logits), "index": np.array(index, "int32")}

    return make


@pytest.fixture
def gradient(random, routing_of):
    """Returns a function that gives the gradient of a loss with respect to the logits."""

    def of(loss):
        logits = tf.Variable(random.normal(size=(6, 3)).astype("float32"))
        with tf.GradientTape() as tape:
            value = loss(routing_of(logits, [[0], [1], [0], [2], [0], [0]]), context={})
        return tape.gradient(value, logits).numpy()

    return of
