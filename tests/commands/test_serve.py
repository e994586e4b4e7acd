import os
import re
import signal
import subprocess
import sys

import httpx
import pytest
from tiny_models import write_version

from ctrmoe.cli import main


@pytest.mark.slow
def test_serve_answers_until_it_is_told_to_stop(tmp_path):
    base = tmp_path / "tiny"
    write_version(base, 1)
    ports = ["--rest-port", "0", "--grpc-port", "0", "--set", "max_rows=2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ctrmoe.cli", "serve", str(base), *ports],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CTRMOE_API_KEY": "secret", "COLUMNS": "200"},
    )

    line = process.stdout.readline()
    url = re.search(r"http://127\.0\.0\.1:\d+/v1/models", line)[0] + "/tiny:predict"
    statuses = [
        httpx.post(url, json={"inputs": {"price": [[0.5]] * rows}}, headers=headers).status_code
        for rows, headers in ((1, {}), (1, {"x-api-key": "secret"}), (3, {"x-api-key": "secret"}))
    ]
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)

    assert statuses == [401, 200, 400]
    assert process.returncode == 0
    assert "small deployments" in line
    assert "Stopping" in rest


def test_serve_says_what_is_missing(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["serve"])

    assert ended.value.code == 2
    assert "`base` or `config` must be given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "mend"),
    [
        ("nowhere", "no folder. Run `ctrmoe export` first."),
        ("models/tiny/1", "a version. Give "),
        ("models", "a folder of models. Give "),
    ],
)
def test_folder_that_is_not_of_one_models_versions(tmp_path, capsys, place, mend):
    write_version(tmp_path / "models" / "tiny", 1)

    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path / place)])

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert mend in said
    assert "Run" in said or f"Give {tmp_path / 'models' / 'tiny'}" in said


def test_setting_that_is_unknown(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path), "--set", "max_row=3"])

    assert ended.value.code == 2
    assert "Did you mean `max_rows`?" in capsys.readouterr().err


def test_help_says_what_it_is_for(capsys):
    with pytest.raises(SystemExit):
        main(["serve", "--help"])

    assert "production is TensorFlow Serving itself" in " ".join(capsys.readouterr().out.split())
