"""Ray clusters; the extra `ray`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from ctrmoe.config import ConfigError

RETRIES = 5
"""Times that a file is begun anew after its worker or its node was lost."""
STORE_BYTES = 80 * 2**20
"""Ray's shared memory in a cluster of our own: no rows pass through it, files are read in place."""


@contextlib.contextmanager
def cluster(ray: Any) -> Iterator[None]:
    """Connects to a cluster, or starts one on this machine that ends with the block.

    It is the one that this process is connected to, or that `RAY_ADDRESS` names. Ray would also
    take any other that runs here, such as that of a command beside this one, and end with it.

    Args:
        ray: The module.
    """
    if ray.is_initialized():
        yield
        return
    own: dict[str, Any] = {}
    if not os.environ.get("RAY_ADDRESS"):
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own = {"address": "local", "include_dashboard": False, "object_store_memory": STORE_BYTES}
    ray.init(**own, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        ray.shutdown()


def results(
    ray: Any,
    function: Callable[..., Any],
    parts: Iterable[tuple[object, tuple[Any, ...]]],
    workers: int | None,
    mend: str,
) -> Generator[Any, None, None]:
    """Calls a function on the workers and yields what the calls return, in the order they end.

    Args:
        ray: The module, connected to a cluster.
        function: Runs on a worker; begun anew elsewhere where its worker is lost.
        parts: A name and the arguments of each call.
        workers: Calls at once; one a node where it is None.
        mend: What to do, beside a look at the logs, where workers are lost again and again.

    Raises:
        ConfigError: If the cluster has no cores, or a call's workers are lost again and again.
        ValueError: What the function raised.
    """
    count, cores = division(ray, workers)
    remote = ray.remote(function).options(
        num_cpus=cores, max_retries=RETRIES, scheduling_strategy="SPREAD"
    )
    waiting = iter(parts)
    running: dict[Any, object] = {}
    try:
        while True:
            # Few at a time: results wait in memory, and in vain when nobody wants the rest.
            while len(running) < count and (part := next(waiting, None)) is not None:
                name, arguments = part
                running[remote.remote(*arguments)] = name
            if not running:
                return
            (done, *_), _ = ray.wait(list(running))
            yield _result(ray, done, running.pop(done), mend)
    finally:
        for call in running:
            ray.cancel(call)


def _result(ray: Any, call: Any, name: object, mend: str) -> Any:
    try:
        return ray.get(call)
    except ray.exceptions.RayTaskError as error:
        # As it was raised on the worker, without Ray's account of where that was.
        raise error.cause if isinstance(error.cause, ValueError) else error from None
    except ray.exceptions.RayError as error:
        raise ConfigError(
            f"{name} must not cost {RETRIES + 1} workers their life: {error} Look at Ray's logs "
            f"for the cause{mend}."
        ) from error


def division(ray: Any, workers: int | None) -> tuple[int, int]:
    """Returns how many files are worked on at once, and the cores that each of them asks for.

    Args:
        ray: The module.
        workers: Files at once; one a node where it is None.

    Raises:
        ConfigError: If the cluster has no cores.
    """
    cores = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    cores = [number for number in cores if number]
    if not cores:
        raise ConfigError("The Ray cluster must have cores. Received: 0. Start a worker node.")
    count = workers or len(cores)
    return count, max(1, min(sum(cores) // count, *cores))
