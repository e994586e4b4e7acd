"""Runs a SavedModel in a session, as TensorFlow Serving does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf


def run_in_session(
    folder: str | Path, signature: str, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns what a signature answers in a session.

    `tf.saved_model.load` finds a model's variables through its Python objects, a server through
    the graph's restore operation: a model may work in one and not in the other.

    Args:
        folder: The SavedModel.
        signature: Its name.
        inputs: Arrays by the names of the signature's inputs.
    """
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        definition = graph.signature_def[signature]
        fed = {definition.inputs[name].name: array for name, array in inputs.items()}
        fetched = {name: tensor.name for name, tensor in definition.outputs.items()}
        answer: dict[str, np.ndarray] = session.run(fetched, fed)
        return answer
