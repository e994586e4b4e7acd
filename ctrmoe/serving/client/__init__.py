"""Clients of TensorFlow Serving and of `ctrmoe serve`: raw rows in, probabilities out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ctrmoe.serving.client.options import ClientOptions
from ctrmoe.serving.client.serving_error import ServingError
from ctrmoe.serving.client.status import VersionStatus

if TYPE_CHECKING:
    from ctrmoe.serving.client.async_grpc_client import AsyncGrpcClient
    from ctrmoe.serving.client.async_rest_client import AsyncRestClient
    from ctrmoe.serving.client.client_metrics import ClientMetrics
    from ctrmoe.serving.client.grpc_client import GrpcClient
    from ctrmoe.serving.client.rest_client import RestClient

__all__ = [
    "AsyncGrpcClient",
    "AsyncRestClient",
    "ClientMetrics",
    "ClientOptions",
    "GrpcClient",
    "RestClient",
    "ServingError",
    "VersionStatus",
]

_MODULES = {
    "AsyncGrpcClient": "async_grpc_client",
    "AsyncRestClient": "async_rest_client",
    "ClientMetrics": "client_metrics",
    "GrpcClient": "grpc_client",
    "RestClient": "rest_client",
}
"""Loaded with their first use: each needs a package that the others do without."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
