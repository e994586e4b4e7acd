"""What goes wrong with a request, as TensorFlow Serving names it over gRPC and over HTTP."""

from __future__ import annotations

from grpc import StatusCode

HTTP_STATUS = {
    StatusCode.OK: 200,
    StatusCode.CANCELLED: 499,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.ABORTED: 409,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
}
_BY_NUMBER = {code.value[0]: code for code in StatusCode}


class RequestError(Exception):
    """A request that is not answered.

    Args:
        message: What the client is told.
        code: The gRPC status.
        http: The HTTP status; the one that TensorFlow Serving maps the code to if left out.
    """

    def __init__(
        self, message: str, code: StatusCode = StatusCode.INVALID_ARGUMENT, http: int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.http = HTTP_STATUS.get(code, 500) if http is None else http


def not_found(message: str) -> RequestError:
    """Returns the error for a model or version that is not served."""
    return RequestError(message, StatusCode.NOT_FOUND)


def code_of(number: int) -> StatusCode:
    """Returns the gRPC status of a TensorFlow error code: their numbers are the same."""
    return _BY_NUMBER.get(number, StatusCode.UNKNOWN)
