"""The first check of a deployment that the repository ships."""

import subprocess
import sys


def call(repository, *arguments):
    command = [sys.executable, repository / "serving" / "smoke.py", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_running_server_passes(repository, server, test_rows, tmp_path):
    test_rows.write_parquet(tmp_path / "rows.parquet")
    places = (f"http://127.0.0.1:{server.rest_port}", f"127.0.0.1:{server.grpc_port}")

    done = call(repository, *places, "clicks", tmp_path / "rows.parquet")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("clicks 1 is available; 100 rows, means of the probabilities:")


def test_without_arguments_it_says_how_it_is_called(repository):
    done = call(repository)

    assert done.returncode == 1
    assert "python serving/smoke.py http://localhost:8501 localhost:8500" in done.stderr
