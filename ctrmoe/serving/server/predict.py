"""Predict requests of gRPC: which tensors they hold and which outputs they ask for."""

from __future__ import annotations

from typing import Any

from grpc import StatusCode

from ctrmoe.serving.server.classification import DEFAULT_SIGNATURE
from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.servable import Servable
from ctrmoe.serving.server.signature import Arrays, Signature
from ctrmoe.serving.server.tensor_protos import array_of

Call = tuple[Signature, Arrays, list[str]]


def read_predict(servable: Servable, request: Any) -> Call:
    """Returns the signature, the inputs and the names of the outputs of a `PredictRequest`.

    Raises:
        RequestError: If they do not match the model.
    """
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    if name not in servable.signatures:
        raise RequestError(
            f'Serving signature key "{name}" not found.', StatusCode.FAILED_PRECONDITION
        )
    signature = servable.signatures[name]
    _check_names(signature, set(request.inputs))
    inputs = {
        key: array_of(key, request.inputs[key], of.dtype) for key, of in signature.inputs.items()
    }
    return signature, inputs, _outputs(signature, list(request.output_filter))


def _check_names(signature: Signature, sent: set[str]) -> None:
    known = set(signature.inputs)
    if sent != known:
        raise RequestError(
            f"input size does not match signature: {len(sent)}!={len(known)} "
            f"len({_names(sent)}) != len({_names(known)}). Sent extra: {_names(sent - known)}. "
            f"Missing but required: {_names(known - sent)}."
        )


def _outputs(signature: Signature, wanted: list[str]) -> list[str]:
    seen = set()
    for alias in wanted:
        if alias not in signature.outputs:
            raise RequestError(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {_names(set(signature.outputs))}."
            )
        if alias in seen:
            raise RequestError(f"duplicate output tensor alias: {alias}")
        seen.add(alias)
    return wanted or list(signature.outputs)


def _names(names: set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
