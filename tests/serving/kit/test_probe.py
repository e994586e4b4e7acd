"""The probe of the kit, asking a running server."""

import subprocess

import pytest

from ctrmoe.serving.kit import write_kit


@pytest.fixture
def probe(base, tmp_path, server):
    write_kit(base, tmp_path / "kit")

    def call(*models, port=server.rest_port):
        command = [tmp_path / "kit" / "probe.sh", *models]
        environment = {"REST_PORT": str(port), "PATH": "/usr/bin:/bin"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)

    return call


def test_probe_passes_where_every_model_is_available(probe):
    assert probe("clicks").returncode == 0
    assert probe("clicks", "clicks").returncode == 0


def test_probe_fails_for_a_model_that_is_not(probe):
    done = probe("clicks", "other")

    assert done.returncode != 0
    assert "other has no version that is AVAILABLE." in done.stderr


def test_probe_fails_without_a_server(probe):
    assert probe("clicks", port=1).returncode != 0
