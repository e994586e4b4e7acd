"""The graph of an exported model and its signatures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from ctrmoe.export.candidates import CandidateColumns
from ctrmoe.export.core import Core, Tensors
from ctrmoe.export.examples import parse_examples
from ctrmoe.export.options import ExportOptions
from ctrmoe.export.raw_graph import RawGraph
from ctrmoe.export.served_model import served_model
from ctrmoe.export.served_tables import ServedTables
from ctrmoe.export.shared_rows import with_shared_rows
from ctrmoe.export.signature_names import CLASSIFY, REGRESS, by_task, safe_names
from ctrmoe.probabilities import Probabilities
from ctrmoe.run import Run
from ctrmoe.scorer import SIGNATURE

CANDIDATES = "serve_candidates"

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
        model = served_model(run, options)
        self.raw = RawGraph(run.encoder, run.folder, run.reads_domain)
        columns = list(self.raw.signature)
        self.names = safe_names(columns)
        self.columns = CandidateColumns.of(columns, options.candidates)
        # Were a Keras model itself an attribute, a session, which is what TensorFlow Serving runs,
        # would not find its variables restored.
        short = self._of_candidates(model, run)
        self.tables = ServedTables(short, options)
        self._classify = by_task(CLASSIFY, self._tasks)
        self._regress = by_task(REGRESS, self._tasks)
        encoded = {
            name: tf.TensorSpec((None, width), dtype, name=name)
            for name, (width, dtype) in run.schema.packed(run.reads_domain).items()
        }
        examples = tf.TensorSpec((None,), tf.string, name="examples")
        self.core = Core(model, self.tables, encoded, options)
        if self.columns.own:
            self._candidates_core = Core(short, self.tables, encoded, options)
        self._of_encoded = _traced(self._from_encoded, encoded)
        # Traced once for all the signatures that read examples.
        self._of_examples = _traced(self._from_examples, examples)

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
            **({CANDIDATES: all_tasks} if self.columns.own else {}),
            **{name: {task: "scores"} for name, task in self._classify.items()},
            **{name: {task: "outputs"} for name, task in self._regress.items()},
        }

    def signatures(self) -> dict[str, Any]:
        """Returns the functions to save; raw inputs go by their safe names of `names`."""
        return {
            "serving_default": self._of_raw(self._from_raw),
            "serve_examples": self._of_examples,
            **({CANDIDATES: self._of_raw(self._from_candidates)} if self.columns.own else {}),
            SIGNATURE: self._of_encoded,
            **{name: self._serve_classify(task) for name, task in self._classify.items()},
            **{name: self._serve_regress(task) for name, task in self._regress.items()},
        }

    def _of_raw(self, answer: Callable[[Tensors], Tensors]) -> Any:
        specs, names = self.raw.signature, self.names
        raw = {
            safe: tf.TensorSpec(specs[name].shape, specs[name].dtype, name=safe)
            for name, safe in names.items()
        }

        def serve(features: Tensors) -> Tensors:
            return answer({name: features[safe] for name, safe in names.items()})

        return _traced(serve, raw)

    def _from_raw(self, raw: Tensors) -> Tensors:
        return self._from_encoded(self._encoded(raw))

    def _from_examples(self, examples: tf.Tensor) -> Tensors:
        with tf.device(self.tables.device):
            raw = parse_examples(examples, self.raw.served)
        return self._from_raw(raw)

    def _of_candidates(self, model: keras.Model, run: Run) -> keras.Model:
        """The model for candidates of one request, with weights of its own beside the model's."""
        if not self.columns.own:
            return model
        features = self.columns.shared_features(run.schema)
        return with_shared_rows(model, features, domain=run.schema.domain in self.columns.shared)

    def _from_candidates(self, raw: Tensors) -> Tensors:
        """Shared columns have one row; where they have one a candidate, each row is its own.

        That is what a server makes of several requests of one candidate that it merges.
        """
        shared = {name: raw[name] for name in self.columns.shared}
        encoded = self._encoded({name: raw[name] for name in self.columns.own}, shared)
        one_row = tf.reduce_all([tf.shape(column)[0] == 1 for column in shared.values()])
        rows = tf.shape(next(iter(encoded.values())))[:1]

        def of_one_row() -> Tensors:
            logits = self._candidates_core(encoded)
            return {task: tf.broadcast_to(column, rows) for task, column in logits.items()}

        logits = tf.cond(one_row, of_one_row, lambda: self.core(encoded))
        return self._finished(logits, encoded)

    def _encoded(self, raw: Tensors, shared: Tensors | None = None) -> Tensors:
        with tf.device(self.tables.device):
            return self.raw(raw, shared)

    def _from_encoded(self, encoded: Tensors) -> Tensors:
        return self._finished(self.core(encoded), encoded)

    def _finished(self, logits: Tensors, encoded: Tensors) -> Tensors:
        found = self._of_logits(logits, encoded.get("domain"))
        return {task: column[:, None] for task, column in found.items()}

    def _serve_classify(self, task: str) -> Any:
        def classify(inputs: tf.Tensor) -> Tensors:
            score = self._of_examples(inputs)[task]
            scores = tf.concat([1 - score, score], axis=1)
            return {"classes": tf.broadcast_to([LABELS], tf.shape(scores)), "scores": scores}

        return _of_inputs(classify)

    def _serve_regress(self, task: str) -> Any:
        return _of_inputs(lambda inputs: {"outputs": self._of_examples(inputs)[task]})


def _of_inputs(answer: Any) -> Any:
    """A function of the tensor that TensorFlow Serving feeds serialized examples to."""
    inputs = tf.TensorSpec((None,), tf.string, name="inputs")
    return _traced(answer, inputs)


def _traced(answer: Callable[[Any], Tensors], spec: Any) -> Any:
    return tf.function(answer, input_signature=[spec], autograph=False)
