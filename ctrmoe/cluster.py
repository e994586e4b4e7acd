"""Ray clusters; the extra `ray`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from ctrmoe.config import ConfigError

RETRIES = 5
"""Times that a file is begun anew after its worker or its node was lost."""
STORE_BYTES = 80 * 2**20
"""Ray's shared memory in a cluster of our own: no rows pass through it, files are read in place."""


@contextlib.contextmanager
def cluster(ray: Any) -> Iterator[None]:
    """Connects to a cluster, or starts one on this machine that ends with the block.

    It is the one that this process is connected to, or that `RAY_ADDRESS` or `ray start` names.

    Args:
        ray: The module.
    """
    if ray.is_initialized():
        yield
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own = {"address": "local", "include_dashboard": False, "object_store_memory": STORE_BYTES}
        ray.init(**own, **quiet)
    try:
        yield
    finally:
        ray.shutdown()


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
