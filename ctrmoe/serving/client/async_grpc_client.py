"""gRPC, within an event loop."""

from __future__ import annotations

from typing import Any

import grpc

from ctrmoe.serving.client import messages
from ctrmoe.serving.client.async_client import AsyncClient
from ctrmoe.serving.client.channel import open_channel, sent_along
from ctrmoe.serving.client.options import ClientOptions
from ctrmoe.serving.client.pieces import Answer
from ctrmoe.serving.client.raw_rows import Arrays
from ctrmoe.serving.client.serving_error import ServingError
from ctrmoe.serving.client.signature import Signature
from ctrmoe.serving.protos import ModelServiceStub, PredictionServiceStub


class AsyncGrpcClient(AsyncClient):
    """Asks a model over gRPC; see `AsyncClient`.

    Args:
        address: Such as `127.0.0.1:8500`.
        model: Name of the model.
        options: The defaults if left out.
    """

    def __init__(self, address: str, model: str, options: ClientOptions | None = None) -> None:
        super().__init__(model, options)
        self._channel = open_channel(grpc.aio, address, self.options)
        self._predictions = PredictionServiceStub(self._channel)
        self._models = ModelServiceStub(self._channel)
        self._sent_along = sent_along(self.options)

    async def close(self) -> None:
        """Closes the connections."""
        await self._channel.close()

    async def _send(self, signature: Signature, arrays: Arrays, seconds: float) -> Answer:
        request = messages.predict_request(self.model, self.options, signature.name, arrays)
        response = await self._call(self._predictions.Predict, request, seconds)
        return messages.answer_of(response, signature)

    async def _metadata(self, seconds: float) -> dict[str, Any]:
        request = messages.metadata_request(self.model, self.options)
        response = await self._call(self._predictions.GetModelMetadata, request, seconds)
        return messages.as_rest(response)

    async def _status(self, seconds: float) -> dict[str, Any]:
        request = messages.status_request(self.model, self.options)
        return messages.as_rest(await self._call(self._models.GetModelStatus, request, seconds))

    async def _call(self, method: Any, request: Any, seconds: float) -> Any:
        try:
            return await method(request, timeout=seconds, metadata=self._sent_along)
        except grpc.aio.AioRpcError as error:
            raise ServingError(error.code().name, error.details() or "") from error
