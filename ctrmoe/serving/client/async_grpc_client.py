"""gRPC, within an event loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc

from ctrmoe.serving.client import messages
from ctrmoe.serving.client.async_client import AsyncClient
from ctrmoe.serving.client.options import ClientOptions
from ctrmoe.serving.client.pieces import Answer
from ctrmoe.serving.client.raw_rows import Arrays
from ctrmoe.serving.client.serving_error import ServingError
from ctrmoe.serving.client.signature import Signature

MAX_BYTES = 64 << 20
CHANNEL = (
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.max_send_message_length", MAX_BYTES),
)


class AsyncGrpcClient(AsyncClient):
    """Asks a model over gRPC; see `AsyncClient`. Loads TensorFlow for its protocol buffers.

    Args:
        address: Such as `127.0.0.1:8500`.
        model: Name of the model.
        options: The defaults if left out.
    """

    def __init__(self, address: str, model: str, options: ClientOptions | None = None) -> None:
        from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
        from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

        super().__init__(model, options)
        self._channel = _channel(address, self.options)
        self._predictions = PredictionServiceStub(self._channel)
        self._models = ModelServiceStub(self._channel)
        key = self.options.api_key
        self._sent_along = (("x-api-key", key),) if key else ()

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


def _channel(address: str, options: ClientOptions) -> grpc.aio.Channel:
    if not (options.tls or options.root_certificates or options.client_certificate):
        return grpc.aio.insecure_channel(address, CHANNEL)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(options.root_certificates),
        private_key=_read(options.client_key),
        certificate_chain=_read(options.client_certificate),
    )
    return grpc.aio.secure_channel(address, credentials, CHANNEL)


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()
