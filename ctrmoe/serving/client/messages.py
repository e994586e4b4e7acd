"""Requests and answers of TensorFlow Serving's gRPC interface."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from google.protobuf import json_format

from ctrmoe.serving.client.options import ClientOptions
from ctrmoe.serving.client.pieces import Answer
from ctrmoe.serving.client.raw_rows import Arrays
from ctrmoe.serving.client.signature import Signature
from ctrmoe.serving.protos import (
    DataType,
    GetModelMetadataRequest,
    GetModelStatusRequest,
    PredictRequest,
    PredictResponse,
    TensorProto,
)

METADATA_FIELD = "signature_def"
_NUMBERS = {
    "DT_FLOAT": (np.float32, "float_val"),
    "DT_DOUBLE": (np.float64, "double_val"),
    "DT_INT32": (np.int32, "int_val"),
    "DT_INT64": (np.int64, "int64_val"),
}
_NAMES = {np.dtype(kind): name for name, (kind, _) in _NUMBERS.items()}


def address_model(request: Any, model: str, options: ClientOptions) -> Any:
    """Names the model, and the version or label, in a request; returns it."""
    request.model_spec.name = model
    if options.version is not None:
        request.model_spec.version.value = options.version
    if options.label is not None:
        request.model_spec.version_label = options.label
    return request


def predict_request(
    model: str, options: ClientOptions, signature: str, arrays: Arrays
) -> PredictRequest:
    """Returns a request for the probabilities of rows."""
    request = address_model(PredictRequest(), model, options)
    request.model_spec.signature_name = signature
    for name, array in arrays.items():
        request.inputs[name].CopyFrom(tensor(array))
    return request


def metadata_request(model: str, options: ClientOptions) -> GetModelMetadataRequest:
    """Returns a request for the signatures of a model."""
    request = GetModelMetadataRequest(metadata_field=[METADATA_FIELD])
    return address_model(request, model, options)


def status_request(model: str, options: ClientOptions) -> GetModelStatusRequest:
    """Returns a request for the state of a model's versions."""
    return address_model(GetModelStatusRequest(), model, options)


def tensor(array: np.ndarray) -> TensorProto:
    """Returns an array as a tensor; numbers as bytes, which are the fastest to read."""
    message = TensorProto()
    for size in array.shape:
        message.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        message.dtype = DataType.Value("DT_STRING")
        flat = array.reshape(-1).tolist()
        message.string_val.extend(v.encode() if isinstance(v, str) else v for v in flat)
    else:
        message.dtype = DataType.Value(_NAMES[array.dtype])
        message.tensor_content = array.tobytes()
    return message


def array(message: TensorProto) -> np.ndarray:
    """Returns a tensor of numbers as an array."""
    kind, field = _NUMBERS[DataType.Name(message.dtype)]
    shape = [dim.size for dim in message.tensor_shape.dim]
    if message.tensor_content:
        return np.frombuffer(message.tensor_content, kind).reshape(shape).copy()
    values = np.array(getattr(message, field), kind)
    # The last value stands for all that would follow it.
    missing = math.prod(shape) - len(values)
    return np.append(values, np.repeat(values[-1:], missing)).reshape(shape)


def answer_of(response: PredictResponse, signature: Signature) -> Answer:
    """Reads an answer."""
    outputs = {name: array(response.outputs[name]) for name in signature.outputs}
    return Answer(outputs, response.model_spec.version.value or None)


def as_rest(response: Any) -> dict[str, Any]:
    """Returns an answer about a model in the form that REST gives it."""
    return json_format.MessageToDict(response, preserving_proto_field_name=True)
