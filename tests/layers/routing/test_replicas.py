import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ctrmoe.layers.routing.replicas import of_all_replicas, sum_over_replicas


def test_one_replica_has_its_own_values():
    tensor = np.ones((2, 3), "float32")

    np.testing.assert_array_equal(sum_over_replicas(tensor)[0], tensor)
    np.testing.assert_array_equal(of_all_replicas(tensor), tensor[None])


@pytest.mark.slow
def test_routing_of_two_replicas_is_that_of_the_joined_batch(repository):
    """The number of devices is fixed once TensorFlow has started: a process of its own."""
    command = [sys.executable, str(Path(__file__).parent / "mirrored_routing.py")]
    environment = {**os.environ, "PYTHONPATH": str(repository)}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    assert done.returncode == 0, done.stderr[-3000:]
    found = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    for name in ("random", "balance", "sparsity"):
        between, difference, moved = map(float, found[name])
        assert between == 0, name
        assert difference < 1e-5, name
        assert moved > 0.005, name
    # k-means++ starts on the first replica's rows: other centres, but the same in both replicas.
    between, _, moved = map(float, found["k_means_plus_plus"])
    assert between == 0
    assert moved > 0.9
