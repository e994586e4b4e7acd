import hashlib
import json
import subprocess
import sys

import pytest

import ctrmoe
from ctrmoe.config import ConfigError
from ctrmoe.export.manifest import read_manifest
from ctrmoe.schema import Schema


def test_says_what_was_exported(exported, run):
    manifest = read_manifest(exported)

    assert (manifest["format"], manifest["name"], manifest["version"]) == (1, "clicks", 1)
    assert manifest["created"].endswith("+00:00")
    assert manifest["tasks"] == ["click", "conversion"]
    assert manifest["domain"] == "placement"
    assert manifest["batch_buckets"] == [1, 8, 32, 128, 512]
    assert set(manifest["shared_columns"]) == set(run.schema.raw_inputs)
    assert Schema.from_dict(manifest["schema"]) == run.schema
    assert manifest["metrics"] == json.loads(json.dumps(run.metrics))
    assert manifest["seed"] == run.config.seed
    assert manifest["versions"]["ctrmoe"] == ctrmoe.__version__


def test_lists_the_signatures_of_the_model(exported):
    import tensorflow as tf

    signatures = tf.saved_model.load(str(exported)).signatures

    assert set(read_manifest(exported)["signatures"]) == set(signatures)
    assert "classify_conversion" in signatures


def test_vocabularies_are_those_of_the_assets(exported):
    vocabularies = read_manifest(exported)["vocabularies"]

    for table in ("user_id", "item_id", "category"):
        asset = (exported / "assets" / f"{table}.txt").read_bytes()
        assert vocabularies[table]["sha256"] == hashlib.sha256(asset).hexdigest()
        assert vocabularies[table]["values"] == len(asset.splitlines())


def test_folder_without_one(tmp_path):
    assert read_manifest(tmp_path) == {}


def test_file_that_is_none(tmp_path):
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "manifest.json").write_text("{")

    with pytest.raises(ConfigError, match=r"manifest\.json must be what `ctrmoe export` wrote"):
        read_manifest(tmp_path)


def test_reading_loads_no_tensorflow(exported):
    code = (
        "import sys\n"
        "from ctrmoe.export.manifest import read_manifest\n"
        f"assert read_manifest({str(exported)!r})['name'] == 'clicks'\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
