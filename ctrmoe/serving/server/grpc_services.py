"""The gRPC services of TensorFlow Serving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from grpc import StatusCode
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from ctrmoe.serving.server.answering import SIGNATURE_DEF, Answering
from ctrmoe.serving.server.classification import (
    DEFAULT_SIGNATURE,
    METHOD_NAMES,
    Method,
    classification_result,
    regression_result,
    task_signature,
)
from ctrmoe.serving.server.examples import serialized_examples
from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.predict import read_predict
from ctrmoe.serving.server.servable import Servable
from ctrmoe.serving.server.signature import Arrays, Signature
from ctrmoe.serving.server.tensor_protos import proto_of


@contextmanager
def _told(context: grpc.ServicerContext) -> Iterator[None]:
    """Tells the client what went wrong."""
    try:
        yield
    except RequestError as error:
        context.abort(error.code, str(error))
    except TimeoutError:
        context.abort(StatusCode.DEADLINE_EXCEEDED, "Deadline exceeded")


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference and GetModelMetadata.

    Args:
        answering: What answers.
        timeout: Seconds until a request without an own deadline is given up.
    """

    def __init__(self, answering: Answering, timeout: float) -> None:
        self._answering = answering
        self._timeout = timeout

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Runs a signature on tensors."""
        spec = request.model_spec
        counted = self._answering.counted(spec.name, "Predict", "GRPC")
        with _told(context), counted, self._answering.servable(spec) as servable:
            signature, inputs, outputs = read_predict(servable, request)
            answer = self._wait(context, servable, signature, inputs, outputs)
            response = predict_pb2.PredictResponse()
            _fill_spec(response.model_spec, spec, servable)
            for name, array in answer.items():
                response.outputs[name].CopyFrom(proto_of(array))
        return response

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Classes of examples and their scores."""
        return self._infer(
            "classify", request, context, classification_pb2.ClassificationResponse()
        )

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """A value for each example."""
        return self._infer("regress", request, context, regression_pb2.RegressionResponse())

    def MultiInference(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Several classifications and regressions of the same examples."""
        response = inference_pb2.MultiInferenceResponse()
        with _told(context):
            _check_tasks(request.tasks)
            with self._answering.servable(request.tasks[0].model_spec) as servable:
                for task in request.tasks:
                    method = METHOD_NAMES[task.method_name]
                    result = self._result(method, task.model_spec, request.input, context, servable)
                    one = response.results.add()
                    _fill_spec(one.model_spec, task.model_spec, servable)
                    field = "classification" if method == "classify" else "regression"
                    getattr(one, f"{field}_result").CopyFrom(result)
        return response

    def GetModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """The signatures of a model."""
        with _told(context):
            if not request.HasField("model_spec"):
                raise RequestError("Missing ModelSpec")
            if not request.metadata_field:
                raise RequestError(
                    "GetModelMetadataRequest must specify at least one metadata_field"
                )
            for field in request.metadata_field:
                if field != SIGNATURE_DEF:
                    raise RequestError(f"Metadata field {field} is not supported")
            return self._answering.metadata(request.model_spec)

    def _infer(self, method: Method, request: Any, context: Any, response: Any) -> Any:
        spec = request.model_spec
        counted = self._answering.counted(spec.name, method.capitalize(), "GRPC")
        with _told(context), counted, self._answering.servable(spec) as servable:
            result = self._result(method, spec, request.input, context, servable)
            response.result.CopyFrom(result)
            _fill_spec(response.model_spec, spec, servable)
        return response

    def _result(
        self, method: Method, spec: Any, examples: Any, context: Any, servable: Servable
    ) -> Any:
        signature = task_signature(servable, method, spec.signature_name)
        inputs = {"inputs": serialized_examples(examples)}
        answer = self._wait(context, servable, signature, inputs, list(signature.outputs))
        of = classification_result if method == "classify" else regression_result
        return of(answer, len(inputs["inputs"]))

    def _wait(
        self,
        context: grpc.ServicerContext,
        servable: Servable,
        signature: Signature,
        inputs: Arrays,
        outputs: list[str],
    ) -> Arrays:
        left = context.time_remaining()
        seconds = self._timeout if left is None else min(left, self._timeout)
        with self._answering.place():
            future = self._answering.run(servable, signature, inputs, outputs, seconds)
            return future.result(seconds)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest.

    Args:
        answering: What answers.
    """

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    def GetModelStatus(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """The state of each version of a model."""
        with _told(context):
            if not request.HasField("model_spec"):
                raise RequestError("Missing ModelSpec")
            return self._answering.status(request.model_spec)

    def HandleReloadConfigRequest(  # noqa: N802
        self, request: Any, context: grpc.ServicerContext
    ) -> Any:
        """Replaces the list of models."""
        with _told(context):
            self._answering.reload(request.config)
        return model_management_pb2.ReloadConfigResponse()


def _fill_spec(spec: Any, asked: Any, servable: Servable) -> None:
    spec.name = asked.name
    spec.signature_name = asked.signature_name or DEFAULT_SIGNATURE
    spec.version.value = servable.version


def _check_tasks(tasks: Any) -> None:
    if not tasks:
        raise RequestError("Inference request must contain at least one task")
    names = [task.model_spec.name for task in tasks]
    if not all(names):
        raise RequestError("Found ModelSpec with an empty model name.")
    if len(set(names)) > 1:
        raise RequestError(
            "All ModelSpecs in a MultiInferenceRequest must access the same model name."
        )
    signatures = [task.model_spec.signature_name or DEFAULT_SIGNATURE for task in tasks]
    for index, name in enumerate(signatures):
        if name in signatures[:index]:
            raise RequestError(f"Duplicate evaluation of signature: {name}")
    for task in tasks:
        if task.method_name not in METHOD_NAMES:
            raise RequestError(
                f"Unsupported signature method_name: {task.method_name}", StatusCode.UNIMPLEMENTED
            )
