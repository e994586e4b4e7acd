import sys
import threading
import time

import polars as pl
import pytest

from ctrmoe.config import ConfigError
from ctrmoe.scoring import score
from ctrmoe.scoring.engines.ray import RayEngine

FILES = 16


@pytest.fixture
def raw(test_rows, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for number in range(FILES):
        pl.concat([test_rows] * 40).write_parquet(folder / f"{number}.parquet")
    return folder


@pytest.fixture
def cluster(monkeypatch):
    """Two nodes of one core each on this machine, found as a user's are: by `RAY_ADDRESS`."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    cluster.second = cluster.add_node(**node)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def outputs(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.mark.slow
def test_files_of_a_node_that_is_killed_are_scored_by_the_other(
    exported, scorer, raw, cluster, tmp_path
):
    import ray

    expected = score(scorer, [raw], tmp_path / "local", keep=["timestamp"])

    def kill_when_both_work():
        while len(list((tmp_path / "out").glob("[0-9]*"))) < 3:
            time.sleep(0.01)
        while ray.is_initialized() and ray.available_resources().get("CPU"):
            time.sleep(0.01)
        at_kill.append(len(list((tmp_path / "out").glob("[0-9]*"))))
        cluster.remove_node(cluster.second, allow_graceful=False)

    at_kill = []
    killer = threading.Thread(target=kill_when_both_work, daemon=True)
    killer.start()
    summary = score(exported, [raw], tmp_path / "out", keep=["timestamp"], engine="ray")
    killer.join()

    assert (summary.files, summary.rows) == (FILES, expected.rows)
    assert at_kill[0] < FILES
    assert outputs(tmp_path / "out") == outputs(tmp_path / "local")
    assert summary.manifest.read_text() == expected.manifest.read_text()
    assert not ray.is_initialized()


def test_ray_that_is_not_installed(exported, monkeypatch):
    # None in `sys.modules` is how Python itself marks what can't be imported.
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(ConfigError, match="`--engine ray` needs .* pip install ray"):
        RayEngine(exported, None)


def test_scorer_is_refused(scorer):
    with pytest.raises(ValueError, match="`model` must be a path for Ray's workers"):
        RayEngine(scorer, None)
