"""`ctrmoe serving-config` as a user types it."""

import json

import pytest

from ctrmoe.cli import main


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code or 0


@pytest.fixture
def base(tmp_path):
    extra = tmp_path / "models" / "ctr" / "3" / "assets.extra"
    extra.mkdir(parents=True)
    (extra.parent / "saved_model.pb").write_bytes(b"x")
    manifest = {"batch_buckets": [1, 8], "candidate_columns": ["item_id"]}
    (extra / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path / "models"


def test_kit_is_written_and_what_was_left_out_is_said(base, tmp_path, capsys):
    code = call("serving-config", base, "--out", tmp_path / "kit", "--image", "mine:1")

    printed = capsys.readouterr().out
    assert code == 0
    assert printed.startswith("ctr: versions 3\n")
    assert "would refuse `serve_candidates`" in " ".join(printed.split())
    assert "SERVING_IMAGE=mine:1" in (tmp_path / "kit" / "Dockerfile").read_text()


def test_folder_without_models_is_one_error_line(tmp_path, capsys):
    code = call("serving-config", tmp_path, "--out", tmp_path / "kit")

    assert code == 2
    assert capsys.readouterr().err.strip().endswith("BASE/NAME/<version>/. Received: none.")
