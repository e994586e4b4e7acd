"""Replays a version's warm-up requests before it is available."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from ctrmoe.export.warmup import LIMIT, PATH
from ctrmoe.serving.server.classification import METHOD_NAMES, Method, task_signature
from ctrmoe.serving.server.examples import serialized_examples
from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.predict import read_predict
from ctrmoe.serving.server.servable import Servable


def warm_up(servable: Servable) -> int:
    """Runs the recorded requests and returns how many there were.

    Raises:
        RequestError: If one fails or there are too many.
    """
    path = servable.folder / PATH
    if not path.is_file():
        return 0
    count = 0
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        count += 1
        if count > LIMIT:
            raise RequestError(f"Number of warmup records exceeds the maximum ({LIMIT}) at {path}")
        _replay(servable, prediction_log_pb2.PredictionLog.FromString(record))
    return count


def _replay(servable: Servable, log: Any) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        servable.run(*read_predict(servable, log.predict_log.request))
    elif kind == "classify_log":
        request = log.classify_log.request
        _run(servable, "classify", request.model_spec.signature_name, request.input)
    elif kind == "regress_log":
        request = log.regress_log.request
        _run(servable, "regress", request.model_spec.signature_name, request.input)
    elif kind == "multi_inference_log":
        request = log.multi_inference_log.request
        for task in request.tasks:
            method = METHOD_NAMES[task.method_name]
            _run(servable, method, task.model_spec.signature_name, request.input)
    else:
        raise RequestError(f"Unsupported log_type for warmup: {kind}")


def _run(servable: Servable, method: Method, name: str, examples: Any) -> None:
    signature = task_signature(servable, method, name)
    inputs = {"inputs": serialized_examples(examples)}
    servable.run(signature, inputs, list(signature.outputs))
