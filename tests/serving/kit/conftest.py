import json

import pytest

BUCKETS = [1, 8, 32, 128, 512]


@pytest.fixture
def base(tmp_path):
    """Two models, one of them with two versions."""
    folder = tmp_path / "models"
    for name, number in (("ctr", 41), ("ctr", 42), ("ctr", 7), ("video", 1)):
        extra = folder / name / str(number) / "assets.extra"
        extra.mkdir(parents=True)
        (extra.parent / "saved_model.pb").write_bytes(b"x" * 1000)
        manifest = {"format": 1, "batch_buckets": BUCKETS, "candidate_columns": []}
        (extra / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def candidates(base):
    """Makes one of the models take candidates."""
    path = base / "video" / "1" / "assets.extra" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"candidate_columns": ["item_id"]}))
    return base
