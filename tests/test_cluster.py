import contextlib
import os
import time

import pytest

from ctrmoe.cluster import cluster, results
from ctrmoe.config import ConfigError


def worked(task):
    """What a worker is to do: to wait, to fail, to die."""
    kind, value = task
    if kind == "wait":
        time.sleep(value)
    elif kind == "fail":
        raise ValueError(value)
    else:
        os._exit(1)
    return value


def called(ray, *tasks, workers=1):
    parts = ((f"part {number}", (task,)) for number, task in enumerate(tasks))
    return results(ray, worked, parts, workers, mend=", and go on")


@pytest.mark.slow
def test_cluster_of_another_command_is_left_alone(monkeypatch):
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    other = Cluster(initialize_head=True, head_node_args=node)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    try:
        with cluster(ray):
            assert ray.get_runtime_context().gcs_address != other.address
    finally:
        other.shutdown()


@pytest.mark.slow
def test_results_come_as_calls_end_and_parts_are_drawn_few_at_a_time(ray):
    drawn = []

    def parts():
        for number in range(4):
            drawn.append(number)
            yield number, (("wait", 0.01 * number),)

    with contextlib.closing(results(ray, worked, parts(), 1, mend="")) as ended:
        first = next(ended)
        assert (first, drawn) == (0.0, [0])
        rest = list(ended)

    assert rest == pytest.approx([0.01, 0.02, 0.03])


@pytest.mark.slow
def test_error_of_a_worker_is_raised_as_it_was(ray):
    with pytest.raises(ValueError, match=r"^no such row$"):
        list(called(ray, ("fail", "no such row")))


@pytest.mark.slow
def test_part_that_ends_its_workers_is_named(ray, monkeypatch):
    monkeypatch.setattr("ctrmoe.cluster.RETRIES", 0)

    ended = called(ray, ("wait", 0.0), ("die", None))

    assert next(ended) == 0.0
    with pytest.raises(ConfigError, match=r"^part 1 must not cost 1 workers .* cause, and go on.$"):
        next(ended)
