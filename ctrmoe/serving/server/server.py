"""Starts and stops a server."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

from ctrmoe.config import ConfigError
from ctrmoe.serving.server.answering import Answering
from ctrmoe.serving.server.batching import Batcher
from ctrmoe.serving.server.failures import RequestError
from ctrmoe.serving.server.garbage import QuietCollector
from ctrmoe.serving.server.grpc_services import ModelService, PredictionService
from ctrmoe.serving.server.listeners import GrpcListener, RestListener
from ctrmoe.serving.server.metrics import ServerMetrics
from ctrmoe.serving.server.model_config import ModelConfig, Models, models_of, read_config
from ctrmoe.serving.server.models import ModelManager
from ctrmoe.serving.server.monitor import Monitor
from ctrmoe.serving.server.repeats import WithoutRepeats
from ctrmoe.serving.server.rest import RestApplication
from ctrmoe.serving.server.servable import Servable
from ctrmoe.serving.server.settings import Settings
from ctrmoe.serving.server.warmup import warm_up
from ctrmoe.versions import SAVED_MODEL, saved_versions

logger = logging.getLogger(__name__)
logger.addFilter(WithoutRepeats())

FIRST_LOOKS_SECONDS = 5.0
HEALTH_SERVICES = (health.OVERALL_HEALTH, "ModelService", "PredictionService")


def start(
    base: str | Path | None = None, *, config: str | Path | None = None, **options: Any
) -> Server:
    """Serves a model, or the models of a `models.config`, over REST and gRPC.

    Args:
        base: BASE/NAME, the folder of a model's versions; its newest version is served.
        config: A `ModelServerConfig` in text form instead; changes of it are followed.
        **options: See `Settings`.

    Raises:
        ConfigError: If there is nothing to serve or a model can't be loaded.
    """
    return serve_models(base, config, Settings.of(options))


def serve_models(base: str | Path | None, config: str | Path | None, settings: Settings) -> Server:
    """Does what `start` does, with settings that are made already.

    Raises:
        ConfigError: As `start`.
    """
    if config is not None and base is None:
        return Server(lambda: read_config(Path(config)), settings)
    if base is None or config is not None:
        raise ConfigError("`base` or `config` must be given, and not both.")
    folder = Path(base).absolute()
    _check_base(folder, base)
    return Server(lambda: {folder.name: ModelConfig(folder)}, settings)


def _check_base(folder: Path, given: str | Path) -> None:
    """Refuses folders that are none of a model's versions, with the one that is meant."""
    rule = "`base` must be the folder of a model's versions."
    if not folder.is_dir():
        raise ConfigError(f"{rule} Received: {given}, no folder. Run `ctrmoe export` first.")
    if (folder / SAVED_MODEL).is_file():
        raise ConfigError(f"{rule} Received: {given}, a version. Give {folder.parent}.")
    models = sorted(path for path in folder.glob("*") if saved_versions(path))
    if models and not saved_versions(folder):
        raise ConfigError(
            f"{rule} Received: {given}, a folder of models. Give {models[0]}, or name all in a "
            "`models.config`."
        )


class Server:
    """A running server; use it in a `with` block or `close` it.

    Args:
        read_models: Returns the models to serve; it is asked again at each poll.
        settings: Addresses, batching and limits.

    Raises:
        ConfigError: If a model can't be loaded or a port is taken.
    """

    def __init__(self, read_models: Callable[[], Models], settings: Settings) -> None:
        self._settings = settings
        self._read_models = read_models
        self._asked = read_models()
        self._stop = threading.Event()
        self._health = health.HealthServicer()
        self._metrics = ServerMetrics()
        self._poller = threading.Thread(target=self._poll, name="poll", daemon=True)
        with contextlib.ExitStack() as opened:
            self._models = self._open_models(opened)
            self._await_models()
            self._open_ports(opened)
            self._closing = opened.pop_all()
        self._poller.start()

    def _open_models(self, opened: contextlib.ExitStack) -> ModelManager:
        garbage = QuietCollector()
        opened.callback(garbage.close)
        models = ModelManager(self._asked, self._load, garbage.settle)
        opened.callback(models.close, self._settings.timeout_seconds)
        return models

    def _open_ports(self, opened: contextlib.ExitStack) -> None:
        """Accepts requests; what is opened last is closed first."""
        settings = self._settings
        monitor = Monitor(self._models.is_served)
        opened.callback(monitor.close)
        self._metrics.registry.register(monitor)
        batcher = Batcher(settings, (self._metrics.add_batch, monitor.add_batch))
        opened.callback(batcher.close)
        opened.callback(self._end_poller)
        answering = Answering(
            self._models, batcher, self._reload, self._metrics, settings.max_concurrency
        )
        self._grpc = GrpcListener(settings)
        opened.callback(self._grpc.close)
        self._rest = RestListener(RestApplication(answering, settings), settings)
        opened.callback(self._rest.close)
        server = self._grpc.server
        prediction = PredictionService(answering, settings.timeout_seconds)
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(prediction, server)
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(answering), server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        self._tell_health()
        self._grpc.start()
        opened.callback(self._health.enter_graceful_shutdown)

    @property
    def rest_port(self) -> int:
        """The port of REST."""
        return self._rest.port

    @property
    def grpc_port(self) -> int:
        """The port of gRPC."""
        return self._grpc.port

    def close(self) -> None:
        """Accepts no more requests, answers those that run, unloads the models."""
        self._stop.set()
        self._closing.close()

    def _reload(self, config: Any) -> None:
        self._models.reload(models_of(config))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _await_models(self) -> None:
        """Waits for a version of each model that has one; it may have been written just now."""
        until = time.monotonic() + FIRST_LOOKS_SECONDS
        while True:
            self._models.poll()
            waits = self._models.pending and not self._models.failures
            if self._models.ready or not waits or time.monotonic() > until:
                break
            time.sleep(0.1)
        for name, reason in self._models.failures.items():
            raise ConfigError(f"Model {name} can't be loaded: {reason}")
        for name in self._models.unavailable:
            logger.warning("Model %s has no version yet; it is served when it has one.", name)

    def _end_poller(self) -> None:
        if self._poller.is_alive():
            self._poller.join()

    def _tell_health(self) -> None:
        serving = self._models.ready
        state = health_pb2.HealthCheckResponse.SERVING
        for service in HEALTH_SERVICES:
            self._health.set(
                service, state if serving else health_pb2.HealthCheckResponse.NOT_SERVING
            )

    def _load(self, name: str, version: int, folder: Path) -> Servable:
        """Loads a version and replays its warm-up requests."""
        servable = Servable(name, version, folder)
        start, status = time.monotonic(), "success"
        try:
            warm_up(servable)
        except BaseException:
            status = "failure"
            servable.close()
            raise
        finally:
            self._metrics.time_warmup(str(folder), status, time.monotonic() - start)
        return servable

    def _poll(self) -> None:
        while not self._stop.wait(self._settings.poll_seconds):
            try:
                models = self._read_models()
                if models == self._asked:
                    self._models.poll()
                else:
                    self._models.reload(models)
                    self._asked = models
            except (ConfigError, RequestError) as error:
                logger.warning("The models stay as they are: %s", error)
            except Exception:  # a disk may fail in many ways; the next look may find it mended
                logger.exception("A look for versions failed; the models stay as they are.")
            self._tell_health()
