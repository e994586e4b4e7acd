"""The error of a server."""

from __future__ import annotations

CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""gRPC's names of what TensorFlow Serving answers over HTTP."""
PASSING = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")
MISMATCH = ("INVALID_ARGUMENT", "FAILED_PRECONDITION")


class ServingError(RuntimeError):
    """What a server answered in place of probabilities, or that it could not be reached.

    Args:
        code: gRPC's name of the kind, `NOT_FOUND` for an unknown model, version or label.
        message: The server's text.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.code in PASSING

    @property
    def is_mismatch(self) -> bool:
        """Whether the request did not suit the model's inputs."""
        return self.code in MISMATCH
