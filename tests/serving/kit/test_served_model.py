import json

import pytest

from ctrmoe.config import ConfigError
from ctrmoe.serving.kit import ServedModel, find_models


def version(base, name, number, manifest=None):
    folder = base / name / str(number)
    (folder / "assets.extra").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"x" * 10 * number)
    if manifest is not None:
        (folder / "assets.extra" / "manifest.json").write_text(json.dumps(manifest))


def test_models_have_the_buckets_of_their_newest_version(tmp_path):
    version(tmp_path, "ctr", 9, {"batch_buckets": [1, 8]})
    version(tmp_path, "ctr", 10, {"batch_buckets": [1, 32], "candidate_columns": ["item"]})
    version(tmp_path, "old", 1)
    (tmp_path / "ctr" / "11").mkdir()  # being written
    (tmp_path / "notes").mkdir()

    ctr, old = find_models(tmp_path)

    size = 100 + (tmp_path / "ctr" / "10" / "assets.extra" / "manifest.json").stat().st_size
    assert ctr == ServedModel("ctr", (9, 10), (1, 32), True, size)
    assert old == ServedModel("old", (1,), (), False, 10)


def test_folder_of_versions_is_refused_with_the_way_out(tmp_path):
    version(tmp_path, "ctr", 1)

    with pytest.raises(ConfigError, match=r"must hold exported models.* name the folder above\."):
        find_models(tmp_path / "ctr")


def test_name_that_no_address_can_hold_is_refused(tmp_path):
    version(tmp_path, "my model", 1)

    with pytest.raises(ConfigError, match="must consist of ASCII letters.* Received: 'my model'"):
        find_models(tmp_path)


def test_folder_without_models_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"BASE/NAME/<version>/\. Received: none\.$"):
        find_models(tmp_path)
