"""REST, for code without an event loop."""

from __future__ import annotations

from ctrmoe.serving.client.async_rest_client import AsyncRestClient
from ctrmoe.serving.client.blocking_client import BlockingClient
from ctrmoe.serving.client.options import ClientOptions


class RestClient(BlockingClient):
    """Asks a model over REST; needs no TensorFlow.

    Args:
        address: Such as `http://127.0.0.1:8501`, or https.
        model: Name of the model.
        options: The defaults if left out.
    """

    def __init__(self, address: str, model: str, options: ClientOptions | None = None) -> None:
        super().__init__(lambda: AsyncRestClient(address, model, options))
