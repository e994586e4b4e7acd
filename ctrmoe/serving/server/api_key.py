"""Clients that do not know the key are refused."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import Any

import grpc
from grpc import StatusCode

from ctrmoe.serving.server.failures import RequestError

HEADER = "x-api-key"
MESSAGE = f"A valid API key must be sent as `{HEADER}` or as a bearer token"
Headers = Iterable[tuple[str, str | bytes]]


def check_api_key(key: str | None, headers: Headers) -> None:
    """Checks what a client sent.

    Args:
        key: What it must send; nothing is checked where there is none.
        headers: Names in lower case, and values.

    Raises:
        RequestError: If it sent something else.
    """
    if key is None:
        return
    sent = dict(headers)
    token = _bytes(sent.get("authorization", "")).removeprefix(b"Bearer ")
    given = _bytes(sent.get(HEADER, token))
    # Takes the same time wherever they differ.
    if not hmac.compare_digest(given, key.encode()):
        raise RequestError(MESSAGE, StatusCode.UNAUTHENTICATED)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


class ApiKeyInterceptor(grpc.ServerInterceptor):
    """Refuses calls before their message is read.

    Args:
        key: See `check_api_key`.
        open_prefix: Calls of this service are for everyone.
    """

    def __init__(self, key: str | None, open_prefix: str) -> None:
        self._key = key
        self._open_prefix = open_prefix

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: Any
    ) -> Any:
        """Returns the handler of a call, or one that refuses it."""
        if not handler_call_details.method.startswith(self._open_prefix):
            try:
                check_api_key(self._key, handler_call_details.invocation_metadata)
            except RequestError as error:
                return _refusal(error)
        return continuation(handler_call_details)


def _refusal(error: RequestError) -> Any:
    def refuse(_: bytes, context: grpc.ServicerContext) -> None:
        context.abort(error.code, str(error))

    return grpc.unary_unary_rpc_method_handler(refuse)
