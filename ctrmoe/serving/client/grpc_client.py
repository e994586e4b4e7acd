"""gRPC, for code without an event loop."""

from __future__ import annotations

from ctrmoe.serving.client.async_grpc_client import AsyncGrpcClient
from ctrmoe.serving.client.blocking_client import BlockingClient
from ctrmoe.serving.client.options import ClientOptions


class GrpcClient(BlockingClient):
    """Asks a model over gRPC.

    Args:
        address: Such as `127.0.0.1:8500`.
        model: Name of the model.
        options: The defaults if left out.
    """

    def __init__(self, address: str, model: str, options: ClientOptions | None = None) -> None:
        super().__init__(lambda: AsyncGrpcClient(address, model, options))
