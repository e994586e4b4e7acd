"""Runs a SavedModel in a session, as TensorFlow Serving does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

Arrays = dict[str, np.ndarray]


class ServedSession:
    """A SavedModel in a session.

    `tf.saved_model.load` finds a model's variables through its Python objects, a server through
    the graph's restore operation: a model may work in one and not in the other.

    Args:
        session: Where the model is loaded.
        signatures: By name.
    """

    def __init__(
        self, session: tf.compat.v1.Session, signatures: Mapping[str, meta_graph_pb2.SignatureDef]
    ) -> None:
        self._session = session
        self.signatures = signatures

    def __call__(self, signature: str, inputs: Mapping[str, np.ndarray]) -> Arrays:
        """Returns what a signature answers to arrays by the names of its inputs."""
        definition = self.signatures[signature]
        fed = {definition.inputs[name].name: array for name, array in inputs.items()}
        fetched = {name: tensor.name for name, tensor in definition.outputs.items()}
        answer: Arrays = self._session.run(fetched, fed)
        return answer


@contextlib.contextmanager
def served_session(folder: str | Path) -> Iterator[ServedSession]:
    """Loads a SavedModel into a session for a while."""
    # Were the session entered, its graph would take what others compute meanwhile.
    with contextlib.closing(tf.compat.v1.Session(graph=tf.Graph())) as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        yield ServedSession(session, graph.signature_def)


def run_in_session(
    folder: str | Path, signature: str, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns what one signature of a SavedModel answers in a session of its own."""
    with served_session(folder) as answer:
        return answer(signature, inputs)
