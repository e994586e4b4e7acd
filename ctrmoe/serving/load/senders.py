"""Ways to send a request that is made already: as little work as can be beside the server."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from functools import partial
from typing import Protocol

import grpc

from ctrmoe.serving.client import ClientOptions
from ctrmoe.serving.client.certificates import tls_context
from ctrmoe.serving.client.channel import open_channel, sent_along
from ctrmoe.serving.load.target import Target

OK = "OK"
MAX_TEXT = 200
PREDICT = "/tensorflow.serving.PredictionService/Predict"


class Sender(Protocol):
    """A connection to a server."""

    def __call__(self, body: bytes) -> str:
        """Sends a body, waits for the answer, returns `OK` or what went wrong."""

    def close(self) -> None:
        """Closes the connection."""


def connector(target: Target, access: ClientOptions) -> Callable[[], Sender]:
    """Returns a function that opens a connection, to be called in each thread.

    Args:
        target: What is asked.
        access: The client's keys; its deadline is that of a request.
    """
    return partial(_RestSender if target.is_rest else _GrpcSender, target, access)


class _RestSender:
    """One connection that is kept open."""

    def __init__(self, target: Target, access: ClientOptions) -> None:
        from ctrmoe.serving.client import json_form

        self._error_text = json_form.error_text
        self._path = f"{json_form.model_path(target.model, target.options(access))}:predict"
        self._headers = {"content-type": "application/json"}
        if access.api_key:
            self._headers["x-api-key"] = access.api_key
        if target.is_encrypted:
            self._connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                target.address, timeout=access.deadline, context=tls_context(access)
            )
        else:
            self._connection = http.client.HTTPConnection(target.address, timeout=access.deadline)

    def __call__(self, body: bytes) -> str:
        try:
            self._connection.request("POST", self._path, body, self._headers)
            response = self._connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()  # the next request opens another
            return type(error).__name__
        if response.status == 200:
            return OK
        return _told(f"HTTP {response.status}", self._error_text(answer))

    def close(self) -> None:
        self._connection.close()


class _GrpcSender:
    """One channel; bytes in and out, as reading answers would take the server's cores."""

    def __init__(self, target: Target, access: ClientOptions) -> None:
        options = target.options(access)
        self._deadline, self._along = access.deadline, sent_along(options)
        self._channel = open_channel(grpc, target.address, options)
        self._call = self._channel.unary_unary(
            PREDICT, request_serializer=None, response_deserializer=None
        )

    def __call__(self, body: bytes) -> str:
        try:
            self._call(body, timeout=self._deadline, metadata=self._along)
        except grpc.RpcError as error:
            return _told(error.code().name, error.details() or "")
        return OK

    def close(self) -> None:
        self._channel.close()


def _told(code: str, text: str) -> str:
    return f"{code}: {text}"[:MAX_TEXT]
