"""Warm-up requests that TensorFlow Serving replays before a version becomes available."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from ctrmoe.export.raw_tensors import raw_tensors, serialize_examples
from ctrmoe.schema import Schema

PATH = Path("assets.extra") / "tf_serving_warmup_requests"
SIZES = (1, 16, 64)


def write_warmup(folder: Path, model: str, schema: Schema, rows: pl.DataFrame) -> None:
    """Writes requests of each size for each signature that takes raw features.

    Args:
        folder: The SavedModel.
        model: Name that it is served under.
        schema: Its schema.
        rows: Raw rows, at least as many as the largest size.
    """
    path = folder / PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for size in SIZES:
            part = rows.head(size)
            examples = {"examples": tf.constant(serialize_examples(part, schema))}
            for signature, tensors in (
                ("serving_default", raw_tensors(part, schema)),
                ("serve_examples", examples),
            ):
                writer.write(_log(model, signature, tensors))


def _log(model: str, signature: str, tensors: dict[str, tf.Tensor]) -> bytes:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for name, tensor in tensors.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor))
    return prediction_log_pb2.PredictionLog(
        predict_log=prediction_log_pb2.PredictLog(request=request)
    ).SerializeToString()
