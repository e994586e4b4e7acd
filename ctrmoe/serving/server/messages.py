"""Messages of gRPC that can't be read are refused without a trace left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc import StatusCode


class MessageInterceptor(grpc.ServerInterceptor):
    """Reads messages in the handler.

    Where grpcio reads them itself, a message that it can't read is logged with a traceback and its
    call is kept for good: measured with grpcio 1.85, 19 KB for each such request.
    """

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: Any
    ) -> Any:
        """Returns the handler of a call."""
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler

        def answer(message: bytes, context: grpc.ServicerContext) -> Any:
            try:
                request = handler.request_deserializer(message)
            except DecodeError:
                context.abort(StatusCode.INTERNAL, "Exception deserializing request!")
            return handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(
            answer, response_serializer=handler.response_serializer
        )
