"""A server under promotion: its versions, its configuration, single requests."""

from __future__ import annotations

from typing import Any

import grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from ctrmoe.config import ConfigError
from ctrmoe.serving.client import ClientOptions, VersionStatus, messages
from ctrmoe.serving.client.channel import open_channel, sent_along
from ctrmoe.serving.client.raw_rows import Arrays
from ctrmoe.serving.client.status import read_status
from ctrmoe.serving.protos import ModelServiceStub, PredictionServiceStub, ReloadConfigRequest

SECONDS = 30.0
OK = 0


class ServerControl:
    """Asks a server over gRPC; its errors are `ConfigError`s with the server's text.

    Args:
        address: Such as `127.0.0.1:8500`.
        options: Its `api_key` and certificates; the defaults if left out.
    """

    def __init__(self, address: str, options: ClientOptions | None = None) -> None:
        options = options or ClientOptions()
        self.address = address
        self._sent_along = sent_along(options)
        self._channel = open_channel(grpc, address, options)
        self._models = ModelServiceStub(self._channel)
        self._predictions = PredictionServiceStub(self._channel)

    def __enter__(self) -> ServerControl:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def status(self, model: str, version: int) -> VersionStatus:
        """Returns the state of a version, NOT_FOUND where the server does not have it."""
        request = messages.status_request(model, ClientOptions(version=version))
        try:
            answer = self._models.GetModelStatus(
                request, timeout=SECONDS, metadata=self._sent_along
            )
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise self._mendable(error) from error
            return VersionStatus(version, "NOT_FOUND")
        return read_status(messages.as_rest(answer))[0]

    def labelled(self, model: str, label: str) -> int:
        """Returns the version that answers requests for a label."""
        # Not its status: that disregards labels.
        request = messages.metadata_request(model, ClientOptions(label=label))
        answer = self._call(self._predictions.GetModelMetadata, request)
        version: int = answer.model_spec.version.value
        return version

    def reload(self, config: ModelServerConfig) -> None:
        """Gives the server another configuration.

        Raises:
            ConfigError: If it refuses it.
        """
        answer = self._call(
            self._models.HandleReloadConfigRequest, ReloadConfigRequest(config=config)
        )
        if answer.status.error_code != OK:
            raise ConfigError(
                f"{self.address} must take the models.config. Received: "
                f"{answer.status.error_message}."
            )

    def signatures(self, model: str, version: int) -> dict[str, Any]:
        """Returns the signatures of a version as REST's metadata has them."""
        request = messages.metadata_request(model, ClientOptions(version=version))
        answer = messages.as_rest(self._call(self._predictions.GetModelMetadata, request))
        signatures: dict[str, Any] = answer["metadata"]["signature_def"]["signature_def"]
        return signatures

    def predict(self, model: str, version: int, signature: str, arrays: Arrays) -> Arrays:
        """Returns the outputs of a signature."""
        chosen = ClientOptions(version=version)
        request = messages.predict_request(model, chosen, signature, arrays)
        response = self._call(self._predictions.Predict, request)
        return {name: messages.array(tensor) for name, tensor in response.outputs.items()}

    def _call(self, method: Any, request: Any) -> Any:
        try:
            return method(request, timeout=SECONDS, metadata=self._sent_along)
        except grpc.RpcError as error:
            raise self._mendable(error) from error

    def _mendable(self, error: Any) -> ConfigError:
        return ConfigError(
            f"The server at {self.address} must answer. Received: {error.code().name}: "
            f"{error.details()}."
        )
