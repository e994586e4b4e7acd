"""The models of a server: which versions run, which come and which go."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from grpc import StatusCode

from ctrmoe.serving.server.failures import RequestError, not_found
from ctrmoe.serving.server.model_config import ModelConfig, Models
from ctrmoe.serving.server.repeats import WithoutRepeats
from ctrmoe.serving.server.servable import Servable
from ctrmoe.serving.server.version_folders import VersionFolder, whole_versions
from ctrmoe.versions import saved_versions

logger = logging.getLogger(__name__)
logger.addFilter(WithoutRepeats())

Load = Callable[[str, int, Path], Servable]


@dataclass(frozen=True, slots=True)
class VersionState:
    """What the status of a version says.

    Args:
        state: `START`, `LOADING`, `AVAILABLE`, `UNLOADING` or `END`.
        code: `OK`, or why it could not be loaded.
        message: The reason in words.
    """

    state: str
    code: StatusCode = StatusCode.OK
    message: str = ""


class ModelManager:
    """Loads versions before it unloads those that they replace.

    A version is available when its warm-up requests have run. A request keeps its version loaded
    until it is answered, so that a change of versions fails none.

    Args:
        models: The models to begin with.
        load: Makes a servable of a name, a version and a folder.
        settle: Is called when versions came or went.
    """

    def __init__(self, models: Models, load: Load, settle: Callable[[], None]) -> None:
        self._models: Models = {}
        self._load = load
        self._settle = settle
        self._labels: dict[tuple[str, str], int] = {}
        self._available: dict[str, dict[int, Servable]] = {}
        self._states: dict[str, dict[int, VersionState]] = {}
        self._failed: dict[Path, VersionFolder] = {}
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._take(models)

    def reload(self, models: Models) -> None:
        """Replaces the list of models and loads what is new.

        Raises:
            RequestError: If a label names a version that is not available; nothing is changed.
        """
        with self._changing:
            for name, config in models.items():
                for label, version in config.labels.items():
                    moved = self._labels.get((name, label)) != version
                    if moved and version not in self._available.get(name, {}):
                        raise RequestError(
                            f"Request to assign label to version {version} of model {name}, "
                            "which is not currently available for inference",
                            StatusCode.FAILED_PRECONDITION,
                        )
            self._take(models)
            self._reconcile()

    def poll(self) -> None:
        """Looks for versions that came or went."""
        with self._changing:
            self._reconcile()

    def acquire(self, name: str, version: int | None = None, label: str = "") -> Servable:
        """Returns an available version, which must be released.

        Args:
            name: Of the model.
            version: Its number; the newest one if left out.
            label: Its label instead.

        Raises:
            RequestError: If there is none.
        """
        if not name:
            raise RequestError("ModelSpec has no name specified.")
        with self._lock:
            if label:
                version = self._labels.get((name, label))
                if version is None:
                    # No 404, unlike an unknown version: `GetModelVersionForLabel` of TensorFlow
                    # Serving's server_core.cc has INVALID_ARGUMENT.
                    raise RequestError(f"Unrecognized servable version label: {label}")
            loaded = self._available.get(name, {})
            number = max(loaded, default=None) if version is None else version
            if number is None or number not in loaded:
                request = f"Latest({name})" if version is None else f"Specific({name}, {version})"
                raise not_found(f"Servable not found for request: {request}")
            servable = loaded[number]
            servable.acquire()
            return servable

    def states(self, name: str, version: int | None = None) -> dict[int, VersionState]:
        """Returns the state of each version that was ever seen, newest first.

        Raises:
            RequestError: If there is none.
        """
        with self._lock:
            states = dict(self._states.get(name, {}))
        if version is not None:
            if version not in states:
                raise not_found(f"Could not find version {version} of model {name}")
            return {version: states[version]}
        if not states:
            raise not_found(f"Could not find any versions of model {name}")
        return {number: states[number] for number in sorted(states, reverse=True)}

    def known(self, name: str) -> bool:
        """Returns whether a model is configured."""
        return name in self._models

    def is_served(self, name: str, version: int) -> bool:
        """Returns whether a version is available."""
        return version in self._available.get(name, {})

    @property
    def ready(self) -> bool:
        """Whether each model has an available version."""
        return not self.unavailable

    @property
    def unavailable(self) -> list[str]:
        """The models without an available version."""
        return [name for name in self._models if not self._available.get(name)]

    @property
    def pending(self) -> bool:
        """Whether a model that is not available has a folder that may become whole."""
        return any(saved_versions(self._models[name].base) for name in self.unavailable)

    @property
    def failures(self) -> dict[str, str]:
        """Why models that have no available version could not be loaded."""
        return {
            name: state.message
            for name in self.unavailable
            for state in self._states.get(name, {}).values()
            if state.message
        }

    def close(self, timeout: float) -> None:
        """Unloads all models; requests have so many seconds to end."""
        with self._changing:
            self._take({})
            for name in list(self._available):
                self._unload(name, set(), timeout)

    def _take(self, models: Models) -> None:
        labels = {
            (name, label): version
            for name, config in models.items()
            for label, version in config.labels.items()
        }
        with self._lock:
            self._models, self._labels = models, labels

    def _reconcile(self) -> None:
        before = self._numbers()
        for name, config in self._models.items():
            try:
                present = whole_versions(config.base)
            except OSError as error:
                logger.warning("The versions of %s can't be listed: %s.", name, error)
                continue
            self._change(name, config, present)
        for name in set(self._available) - set(self._models):
            self._unload(name, set())
        if self._numbers() != before:
            self._settle()

    def _numbers(self) -> set[tuple[str, int]]:
        return {(name, version) for name, of in self._available.items() for version in of}

    def _change(self, name: str, config: ModelConfig, present: dict[int, VersionFolder]) -> None:
        wanted = config.chosen(list(present))
        self._available.setdefault(name, {})
        for version in reversed(wanted):
            folder = present[version]
            if version not in self._available[name] and self._failed.get(folder.path) != folder:
                self._start(name, version, folder)
        # What runs goes only when one of those that are wanted runs.
        if not wanted or any(version in self._available[name] for version in wanted):
            self._unload(name, set(wanted))

    def _start(self, name: str, version: int, folder: VersionFolder) -> None:
        self._set(name, version, VersionState("LOADING"))
        try:
            servable = self._load(name, version, folder.path)
        except Exception as error:  # whatever TensorFlow finds wrong with a folder
            logger.warning("Version %d of %s can't be loaded: %s", version, name, error)
            code = error.code if isinstance(error, RequestError) else StatusCode.UNKNOWN
            self._failed[folder.path] = folder
            self._set(name, version, VersionState("END", code, str(error)))
            return
        self._failed.pop(folder.path, None)
        with self._lock:
            self._available[name] = {**self._available[name], version: servable}
            self._states[name][version] = VersionState("AVAILABLE")
        logger.info("Version %d of %s is available.", version, name)

    def _unload(self, name: str, kept: set[int], timeout: float | None = None) -> None:
        gone = {v: s for v, s in self._available.get(name, {}).items() if v not in kept}
        with self._lock:
            self._available[name] = {
                version: servable
                for version, servable in self._available.get(name, {}).items()
                if version in kept
            }
            for version in gone:
                self._states[name][version] = VersionState("UNLOADING")
        for version, servable in gone.items():
            servable.close(timeout)
            self._set(name, version, VersionState("END"))
            logger.info("Version %d of %s is unloaded.", version, name)
        if not self._available[name] and name not in self._models:
            del self._available[name]

    def _set(self, name: str, version: int, state: VersionState) -> None:
        with self._lock:
            self._states.setdefault(name, {})[version] = state
