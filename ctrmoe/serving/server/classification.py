"""Signatures of classify and regress: which tensors they take and what becomes of their answers."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from tensorflow_serving.apis import classification_pb2, regression_pb2

from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.servable import Servable
from ctrmoe.serving.server.signature import Arrays, Signature

Method = Literal["classify", "regress"]
DEFAULT_SIGNATURE = "serving_default"
METHOD_NAMES: dict[str, Method] = {
    "tensorflow/serving/classify": "classify",
    "tensorflow/serving/regress": "regress",
}
INPUTS, CLASSES, SCORES, OUTPUTS = "inputs", "classes", "scores", "outputs"


def task_signature(servable: Servable, method: Method, name: str) -> Signature:
    """Returns the signature that a request names, the default one where it names none.

    Raises:
        RequestError: If there is none, or if it is not one of the method.
    """
    name = name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise RequestError(f"No signature was found with the name: {name}")
    signature = servable.signatures[name]
    if len(signature.inputs) != 1:
        raise RequestError("Expected one input Tensor.")
    if method == "classify":
        _check_classification(signature)
    else:
        _check_regression(signature)
    return signature


def _check_classification(signature: Signature) -> None:
    if len(signature.outputs) not in (1, 2):
        raise RequestError(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if INPUTS not in signature.inputs:
        raise RequestError(f"No classification inputs found in SignatureDef: {signature.name}")
    if not {CLASSES, SCORES} & set(signature.outputs):
        raise RequestError(
            "Expected classification signature outputs to contain at least one of "
            f'"{CLASSES}" or "{SCORES}". Signature was: {signature.name}'
        )


def _check_regression(signature: Signature) -> None:
    if len(signature.outputs) != 1:
        raise RequestError("Expected one output Tensor.")
    if INPUTS not in signature.inputs:
        raise RequestError(f"No regression inputs found in SignatureDef: {signature.name}")
    if OUTPUTS not in signature.outputs:
        raise RequestError(f"No regression outputs found in SignatureDef: {signature.name}")


def classification_result(answer: Arrays, rows: int) -> Any:
    """Returns a `ClassificationResult`: for each row its classes and their scores.

    Raises:
        RequestError: If the outputs are not one row an example.
    """
    present = {name: answer[name] for name in (CLASSES, SCORES) if name in answer}
    for name, array in present.items():
        if array.ndim != 2:
            raise RequestError(
                f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}"
            )
        if len(array) != rows:
            raise RequestError(f"Expected {name} output batch size of {rows}. Got: {len(array)}")
    columns = {name: array.tolist() for name, array in present.items()}
    result = classification_pb2.ClassificationResult()
    for row in range(rows):
        classes = result.classifications.add().classes
        for index in range(next(iter(present.values())).shape[1]):
            one = classes.add()
            if CLASSES in columns:
                one.label = columns[CLASSES][row][index]
            if SCORES in columns:
                one.score = columns[SCORES][row][index]
    return result


def regression_result(answer: Arrays, rows: int) -> Any:
    """Returns a `RegressionResult`: a value for each row.

    Raises:
        RequestError: If the output is not one value an example.
    """
    values = answer[OUTPUTS]
    if values.ndim not in (1, 2) or values.shape[1:] not in ((), (1,)):
        raise RequestError(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            f"{list(values.shape)}"
        )
    if len(values) != rows:
        raise RequestError(
            f"Input batch size did not match output batch size: {rows} vs. {len(values)}"
        )
    result = regression_pb2.RegressionResult()
    for value in np.reshape(values, -1).tolist():
        result.regressions.add().value = value
    return result
