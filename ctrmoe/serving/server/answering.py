"""What REST and gRPC have in common: from a read request to the arrays of its answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from grpc import StatusCode
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from ctrmoe.serving.server.batching import Batcher
from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.metrics import ServerMetrics
from ctrmoe.serving.server.models import ModelManager
from ctrmoe.serving.server.servable import Servable
from ctrmoe.serving.server.signature import Arrays, Signature

SIGNATURE_DEF = "signature_def"


class Answering:
    """Finds the model of a request, runs it, tells the state of the models.

    Args:
        models: What is served.
        batcher: What runs it.
        reload: Takes a `ModelServerConfig`.
        metrics: What counts requests.
        max_concurrency: Most requests at a time.
    """

    def __init__(
        self,
        models: ModelManager,
        batcher: Batcher,
        reload: Callable[[Any], None],
        metrics: ServerMetrics,
        max_concurrency: int,
    ) -> None:
        self.models = models
        self.batcher = batcher
        self.reload = reload
        self.metrics = metrics
        self._max_concurrency = max_concurrency
        self._places = threading.BoundedSemaphore(max_concurrency)

    @contextmanager
    def counted(self, model: str, api: str, entrypoint: str) -> Iterator[None]:
        """Counts and times a request."""
        known = model if self.models.known(model) else ""  # names are not the clients' to invent
        start = time.monotonic()
        try:
            yield
        except RequestError as error:
            self.metrics.count(known, error.code)
            raise
        except TimeoutError:
            self.metrics.count(known, StatusCode.DEADLINE_EXCEEDED)
            raise
        self.metrics.count(known, StatusCode.OK)
        self.metrics.time(known, api, entrypoint, time.monotonic() - start)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Holds one of the places for requests.

        Raises:
            RequestError: If all are taken.
        """
        if not self._places.acquire(blocking=False):
            raise RequestError(
                f"More than {self._max_concurrency} requests at a time",
                StatusCode.RESOURCE_EXHAUSTED,
            )
        try:
            yield
        finally:
            self._places.release()

    @contextmanager
    def servable(self, spec: Any) -> Iterator[Servable]:
        """Gives the version that a `ModelSpec` names; it stays loaded meanwhile.

        Raises:
            RequestError: If it is not available.
        """
        choice = spec.WhichOneof("version_choice")
        version = spec.version.value if choice == "version" else None
        servable = self.models.acquire(spec.name, version, spec.version_label)
        try:
            yield servable
        finally:
            servable.release()

    def run(
        self,
        servable: Servable,
        signature: Signature,
        inputs: Arrays,
        outputs: Sequence[str],
        seconds: float,
    ) -> Future[Arrays]:
        """Queues a request that has so many seconds; see `Batcher.submit`."""
        deadline = time.monotonic() + seconds
        return self.batcher.submit(servable, signature, inputs, outputs, deadline)

    def status(self, spec: Any) -> Any:
        """Returns a `GetModelStatusResponse`; like TensorFlow Serving it disregards labels.

        Raises:
            RequestError: If there is no such model or version.
        """
        named = spec.WhichOneof("version_choice") == "version"
        states = self.models.states(spec.name, spec.version.value if named else None)
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, of in states.items():
            one = response.model_version_status.add(
                version=version, state=get_model_status_pb2.ModelVersionStatus.State.Value(of.state)
            )
            one.status.error_code = of.code.value[0]
            one.status.error_message = of.message
        return response

    def metadata(self, spec: Any) -> Any:
        """Returns a `GetModelMetadataResponse` with the signatures.

        Raises:
            RequestError: If the model is not available.
        """
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self.servable(spec) as servable:
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            definitions = get_model_metadata_pb2.SignatureDefMap()
            for name, definition in servable.definitions.items():
                definitions.signature_def[name].CopyFrom(definition)
        response.metadata[SIGNATURE_DEF].Pack(definitions)
        return response
