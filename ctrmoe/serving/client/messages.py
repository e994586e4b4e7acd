"""Requests and answers of TensorFlow Serving's gRPC interface.

Its package loads TensorFlow, so this module is imported with the first gRPC client.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf import json_format
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.python.framework.tensor_util import MakeNdarray
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

from ctrmoe.serving.client.options import ClientOptions
from ctrmoe.serving.client.pieces import Answer
from ctrmoe.serving.client.raw_rows import Arrays
from ctrmoe.serving.client.signature import Signature

METADATA_FIELD = "signature_def"
_TYPES = {np.dtype(np.float32): types_pb2.DT_FLOAT, np.dtype(np.int64): types_pb2.DT_INT64}


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
) -> predict_pb2.PredictRequest:
    """Returns a request for the probabilities of rows."""
    request = address_model(predict_pb2.PredictRequest(), model, options)
    request.model_spec.signature_name = signature
    for name, array in arrays.items():
        request.inputs[name].CopyFrom(tensor(array))
    return request


def metadata_request(
    model: str, options: ClientOptions
) -> get_model_metadata_pb2.GetModelMetadataRequest:
    """Returns a request for the signatures of a model."""
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=[METADATA_FIELD])
    return address_model(request, model, options)


def status_request(
    model: str, options: ClientOptions
) -> get_model_status_pb2.GetModelStatusRequest:
    """Returns a request for the state of a model's versions."""
    return address_model(get_model_status_pb2.GetModelStatusRequest(), model, options)


def tensor(array: np.ndarray) -> tensor_pb2.TensorProto:
    """Returns an array as a tensor; numbers as bytes, which are the fastest to read."""
    message = tensor_pb2.TensorProto()
    for size in array.shape:
        message.tensor_shape.dim.add(size=size)
    if array.dtype == object:
        message.dtype = types_pb2.DT_STRING
        flat = array.reshape(-1).tolist()
        message.string_val.extend(v.encode() if isinstance(v, str) else v for v in flat)
    else:
        message.dtype = _TYPES[array.dtype]
        message.tensor_content = array.tobytes()
    return message


def array(message: tensor_pb2.TensorProto) -> np.ndarray:
    """Returns a tensor as an array."""
    values: np.ndarray = MakeNdarray(message)
    return values


def answer_of(response: predict_pb2.PredictResponse, signature: Signature) -> Answer:
    """Reads an answer."""
    outputs = {name: array(response.outputs[name]) for name in signature.outputs}
    return Answer(outputs, response.model_spec.version.value or None)


def as_rest(response: Any) -> dict[str, Any]:
    """Returns an answer about a model in the form that REST gives it."""
    return json_format.MessageToDict(response, preserving_proto_field_name=True)
