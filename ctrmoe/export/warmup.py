"""Warm-up requests that TensorFlow Serving replays before a version becomes available."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    predict_pb2,
    prediction_log_pb2,
    regression_pb2,
)

from ctrmoe.config import ConfigError
from ctrmoe.export.manifest import EXTRA
from ctrmoe.export.session import Arrays
from ctrmoe.export.signature_names import CLASSIFY, REGRESS

PATH = Path(EXTRA) / "tf_serving_warmup_requests"
LIMIT = 1000
"""TensorFlow Serving refuses a version with more records."""


def write_warmup(
    folder: Path, model: str, requests: Iterable[tuple[str, str, Arrays]], count: int
) -> None:
    """Writes the requests into a SavedModel.

    Args:
        folder: The SavedModel.
        model: Name that it is served under.
        requests: Signature, its method (`predict`, `classify` or `regress`) and inputs.
        count: Number of requests.

    Raises:
        ConfigError: If there are more than TensorFlow Serving takes.
    """
    if count > LIMIT:
        raise ConfigError(
            f"`batch_buckets` must give at most {LIMIT} warm-up requests, one for each signature "
            f"that takes raw rows. Received: {count}. Leave some out."
        )
    with tf.io.TFRecordWriter(str(folder / PATH)) as writer:
        for signature, method, inputs in requests:
            writer.write(_log(model, signature, method, inputs).SerializeToString())


def _log(model: str, signature: str, method: str, inputs: Arrays) -> Any:
    if method == CLASSIFY:
        classification = classification_pb2.ClassificationRequest()
        _fill(classification, model, signature, inputs)
        log = prediction_log_pb2.ClassifyLog(request=classification)
        return prediction_log_pb2.PredictionLog(classify_log=log)
    if method == REGRESS:
        regression = regression_pb2.RegressionRequest()
        _fill(regression, model, signature, inputs)
        log = prediction_log_pb2.RegressLog(request=regression)
        return prediction_log_pb2.PredictionLog(regress_log=log)
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    )


def _fill(request: Any, model: str, signature: str, inputs: Arrays) -> None:
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for record in inputs["inputs"]:
        request.input.example_list.examples.add().ParseFromString(record)
