"""REST as TensorFlow Serving speaks it, as an ASGI application."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any
from urllib.parse import unquote

from grpc import StatusCode
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from tensorflow_serving.apis import get_model_metadata_pb2, model_pb2

from ctrmoe.serving.server.answering import SIGNATURE_DEF, Answering
from ctrmoe.serving.server.api_key import check_api_key
from ctrmoe.serving.server.classification import (
    DEFAULT_SIGNATURE,
    classification_result,
    regression_result,
    task_signature,
)
from ctrmoe.serving.server.examples import read_input, serialized_examples
from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.json_answers import (
    dump,
    error_answer,
    predict_answer,
    proto_answer,
    shortest_number,
)
from ctrmoe.serving.server.json_body import parse_body
from ctrmoe.serving.server.json_predict import read_inputs, signature_name
from ctrmoe.serving.server.metrics import CONTENT_TYPE
from ctrmoe.serving.server.metrics import PATH as METRICS
from ctrmoe.serving.server.rest_body import read_body
from ctrmoe.serving.server.settings import Settings

logger = logging.getLogger(__name__)

_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
PREDICTION = re.compile(
    rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<method>classify|regress|predict)",
    re.IGNORECASE | re.ASCII,
)
MODEL = re.compile(
    rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?P<metadata>/metadata)?", re.IGNORECASE | re.ASCII
)
API = re.compile(r"/v1/.*", re.IGNORECASE | re.DOTALL)
LIVE, READY = "/healthz", "/readyz"
INLINE_BYTES = 1 << 18
MAX_VERSION = (1 << 63) - 1


class RestApplication:
    """Answers predict, classify, regress, status and metadata.

    Args:
        answering: What answers.
        settings: Limits.
    """

    def __init__(self, answering: Answering, settings: Settings) -> None:
        self._answering = answering
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except RequestError as error:
            response = _failure(error)
        except Exception:
            logger.exception("A request failed.")
            response = _failure(RequestError("Internal error", StatusCode.INTERNAL))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode("ascii", "replace")
        if path == LIVE:
            return Response("ok", media_type="text/plain")
        if path == READY:
            ready = self._answering.models.ready
            return Response("ok" if ready else "no", 200 if ready else 503, media_type="text/plain")
        headers = ((k.decode("latin-1"), v) for k, v in request.scope["headers"])
        check_api_key(self._settings.api_key, headers)
        if path == METRICS and request.method == "GET":
            page = await asyncio.to_thread(self._answering.metrics.page)
            return Response(page, headers={"content-type": CONTENT_TYPE})
        if not API.fullmatch(path):
            return Response(status_code=404)
        if request.method == "POST" and (match := PREDICTION.fullmatch(path)):
            name = unquote(match["name"])
            counted = self._answering.counted(name, match["method"].lower(), "REST")
            with counted, self._answering.place():
                return await self._infer(request, match)
        if request.method == "GET" and (match := MODEL.fullmatch(path)):
            spec = _model_spec(match)
            if not spec.name:
                raise RequestError("Missing model name in request.")
            described = self._metadata(spec) if match["metadata"] else self._status(spec)
            return _json(dump(described))
        raise RequestError(f"Malformed request: {request.method} {path}")

    def _status(self, spec: Any) -> dict[str, Any]:
        return proto_answer(self._answering.status(spec))

    def _metadata(self, spec: Any) -> dict[str, Any]:
        response = self._answering.metadata(spec)
        definitions = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[SIGNATURE_DEF].Unpack(definitions)
        return {
            "model_spec": proto_answer(response.model_spec),
            "metadata": {SIGNATURE_DEF: proto_answer(definitions)},
        }

    async def _infer(self, request: Request, match: re.Match[str]) -> Response:
        spec = _model_spec(match)
        body = await read_body(request, self._settings)
        document = await _aside(parse_body, body, large=len(body) > INLINE_BYTES)
        method = match["method"].lower()
        if method == "predict":
            return _json(await self._predict(spec, document, len(body)))
        return _json(await self._infer_examples(method, spec, document))

    async def _predict(self, spec: Any, document: dict[str, Any], size: int) -> bytes:
        name = signature_name(document) or DEFAULT_SIGNATURE
        with self._answering.servable(spec) as servable:
            signature = servable.signatures.get(name)
            if signature is None:
                raise RequestError(f'Serving signature name: "{name}" not found in signature def')
            if not signature.inputs:
                raise RequestError(f"Failed to get input map for signature: {name}")
            inputs, form = await _aside(
                read_inputs, document, signature.types, large=size > INLINE_BYTES
            )
            answer = await self._run(servable, signature, inputs)
        return predict_answer(answer, form)

    async def _infer_examples(self, method: Any, spec: Any, document: dict[str, Any]) -> bytes:
        name = signature_name(document)
        examples = serialized_examples(read_input(document))
        with self._answering.servable(spec) as servable:
            signature = task_signature(servable, method, name)
            answer = await self._run(servable, signature, {"inputs": examples})
        if method == "classify":
            result = classification_result(answer, len(examples))
            rows: list[Any] = [
                [[one.label, shortest_number(one.score)] for one in row.classes]
                for row in result.classifications
            ]
        else:
            rows = [
                shortest_number(one.value)
                for one in regression_result(answer, len(examples)).regressions
            ]
        return dump({"results": rows}, finite=False)

    async def _run(self, servable: Any, signature: Any, inputs: Any) -> Any:
        seconds = self._settings.timeout_seconds
        future = self._answering.run(servable, signature, inputs, list(signature.outputs), seconds)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), seconds)
        except TimeoutError as error:
            raise RequestError("Deadline exceeded", StatusCode.DEADLINE_EXCEEDED) from error


async def _aside(function: Any, *arguments: Any, large: bool) -> Any:
    """Calls a function, in a thread where it would hold up other requests for long."""
    if large:
        return await asyncio.to_thread(function, *arguments)
    return function(*arguments)


def _model_spec(match: re.Match[str]) -> Any:
    spec = model_pb2.ModelSpec(name=unquote(match["name"] or ""))
    if match["version"]:
        if int(match["version"]) > MAX_VERSION:
            raise RequestError(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(match["version"])
    elif match["label"]:
        spec.version_label = unquote(match["label"])
    return spec


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def _failure(error: RequestError) -> Response:
    response = _json(error_answer(str(error)), error.http)
    if error.http in (408, 413):
        # The rest of the body is not waited for.
        response.headers["connection"] = "close"
    return response
