"""One version of a model, loaded and ready to run."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from ctrmoe.export.manifest import read_manifest
from ctrmoe.serving.server.failures import RequestError, code_of
from ctrmoe.serving.server.signature import Arrays, Signature
from ctrmoe.versions import check_readable


class Servable:
    """A SavedModel in a session, which is how TensorFlow Serving runs it.

    Args:
        name: Of the model.
        version: Its number.
        folder: Its SavedModel.

    Raises:
        ConfigError: If TensorFlow could not read the folder by its path.
    """

    def __init__(self, name: str, version: int, folder: Path) -> None:
        self.name = name
        self.version = version
        self.folder = folder
        check_readable(folder)
        self.manifest = read_manifest(folder)
        options = tf.compat.v1.ConfigProto(allow_soft_placement=True)
        options.gpu_options.allow_growth = True
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=options)
        try:
            with self._session.graph.as_default():
                loaded = tf.compat.v1.saved_model.load(self._session, ["serve"], str(folder))
        except BaseException:
            self._session.close()
            raise
        self.definitions = {key: loaded.signature_def[key] for key in loaded.signature_def}
        candidates = self.manifest.get("candidate_columns", ())
        self.signatures = {
            key: Signature.of(key, definition, candidates)
            for key, definition in self.definitions.items()
        }
        self.kept: dict[str, Any] = {}
        self._users = 0
        self._unused = threading.Condition()

    @property
    def batch_buckets(self) -> tuple[int, ...]:
        """The sizes that batches are padded to: every other one would be compiled anew."""
        if self.manifest.get("compile") != "xla":
            return ()
        return tuple(self.manifest["batch_buckets"])

    def run(
        self, signature: Signature, inputs: Mapping[str, Any], outputs: Collection[str]
    ) -> Arrays:
        """Returns the outputs that are asked for.

        Raises:
            RequestError: If the graph refuses the inputs.
        """
        fed = {signature.inputs[name].tensor: value for name, value in inputs.items()}
        fetched = {name: signature.outputs[name] for name in outputs}
        try:
            answer: Arrays = self._session.run(fetched, fed)
        except tf.errors.OpError as error:
            raise RequestError(_message(error), code_of(error.error_code)) from error
        return answer

    def acquire(self) -> None:
        """Keeps the model loaded until the matching `release`."""
        with self._unused:
            self._users += 1

    def release(self) -> None:
        """Ends one use."""
        with self._unused:
            self._users -= 1
            self._unused.notify_all()

    def close(self, timeout: float | None = None) -> None:
        """Frees the model when its last request has ended, or after `timeout` seconds."""
        with self._unused:
            self._unused.wait_for(lambda: self._users == 0, timeout)
        self._session.close()


def _message(error: tf.errors.OpError) -> str:
    """What is wrong; Python's session puts the places in the graph around it."""
    original = error.__context__
    text = original.message if isinstance(original, tf.errors.OpError) else error.message
    return text.partition("\n")[0]
