"""The graph of an exported model and its signatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from ctrmoe.export.examples import parse_examples
from ctrmoe.export.options import ExportOptions
from ctrmoe.export.raw_graph import RawGraph
from ctrmoe.export.served_tables import ServedTables
from ctrmoe.export.signature_names import CLASSIFY, REGRESS, by_task, safe_names
from ctrmoe.layers.table_rows import reading_tables
from ctrmoe.probabilities import Probabilities
from ctrmoe.run import Run
from ctrmoe.scorer import SIGNATURE

LABELS = ("0", "1")
"""The classes of `classify`, in the order of their scores."""


class ServingModule(tf.Module):
    """Raw rows, serialized examples or encoded rows to probabilities.

    Args:
        run: A finished run.
        options: What the model is made for.
    """

    def __init__(self, run: Run, options: ExportOptions) -> None:
        super().__init__()
        self._tasks = run.tasks
        self._of_logits = Probabilities(run)
        model = run.model
        self.raw = RawGraph(run.encoder, run.folder, run.reads_domain)
        # Were the Keras model itself an attribute, a session, which is what TensorFlow Serving
        # runs, would not find its variables restored.
        self.tables = ServedTables(model, options)
        self.names = safe_names(list(self.raw.signature))
        self._classify = by_task(CLASSIFY, self._tasks)
        self._regress = by_task(REGRESS, self._tasks)
        encoded = {
            name: tf.TensorSpec((None, width), dtype, name=name)
            for name, (width, dtype) in run.schema.packed(run.reads_domain).items()
        }
        examples = tf.TensorSpec((None,), tf.string, name="examples")
        read = [tensor.name for tensor in model.inputs]

        def core(encoded: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            with reading_tables(self.tables):
                logits: dict[str, tf.Tensor] = model({n: encoded[n] for n in read}, training=False)
            return logits

        self._core = core
        self._of_encoded = tf.function(self.probabilities, input_signature=[encoded])
        # Traced once for all the signatures that read examples.
        self._of_examples = tf.function(self._from_examples, input_signature=[examples])

    def probabilities(self, encoded: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns one `[B, 1]` a task of the packed matrices."""
        found = self._of_logits(self._core(encoded), encoded.get("domain"))
        return {task: column[:, None] for task, column in found.items()}

    @property
    def methods(self) -> dict[str, str]:
        """`classify` or `regress` for the signatures that answer such requests."""
        return dict.fromkeys(self._classify, CLASSIFY) | dict.fromkeys(self._regress, REGRESS)

    @property
    def outputs(self) -> dict[str, dict[str, str]]:
        """For each signature of raw rows, by task, the output that has its probability."""
        all_tasks = {task: task for task in self._tasks}
        return {
            "serving_default": all_tasks,
            "serve_examples": all_tasks,
            **{name: {task: "scores"} for name, task in self._classify.items()},
            **{name: {task: "outputs"} for name, task in self._regress.items()},
        }

    def signatures(self) -> dict[str, Any]:
        """Returns the functions to save; raw inputs go by their safe names of `names`."""
        return {
            "serving_default": self._serve_raw(),
            "serve_examples": self._of_examples,
            SIGNATURE: self._of_encoded,
            **{name: self._serve_classify(task) for name, task in self._classify.items()},
            **{name: self._serve_regress(task) for name, task in self._regress.items()},
        }

    def _from_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.device(self.tables.device):
            encoded = self.raw(parse_examples(examples, self.raw.served))
        return self.probabilities(encoded)

    def _serve_raw(self) -> Any:
        specs, names = self.raw.signature, self.names
        raw = {
            safe: tf.TensorSpec(specs[name].shape, specs[name].dtype, name=safe)
            for name, safe in names.items()
        }

        def serve_raw(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            with tf.device(self.tables.device):
                encoded = self.raw({n: features[safe] for n, safe in names.items()})
            return self.probabilities(encoded)

        return tf.function(serve_raw, input_signature=[raw])

    def _serve_classify(self, task: str) -> Any:
        def classify(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
            score = self._of_examples(inputs)[task]
            scores = tf.concat([1 - score, score], axis=1)
            return {"classes": tf.broadcast_to([LABELS], tf.shape(scores)), "scores": scores}

        return _of_inputs(classify)

    def _serve_regress(self, task: str) -> Any:
        return _of_inputs(lambda inputs: {"outputs": self._of_examples(inputs)[task]})


def _of_inputs(answer: Any) -> Any:
    """A function of the tensor that TensorFlow Serving feeds serialized examples to."""
    inputs = tf.TensorSpec((None,), tf.string, name="inputs")
    return tf.function(answer, input_signature=[inputs])
