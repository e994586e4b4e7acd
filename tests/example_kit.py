"""The kit that the repository shows: `python tests/example_kit.py` writes it anew."""

import json
import shutil
import tempfile
from pathlib import Path

from ctrmoe.serving.kit import write_kit

BUCKETS = [1, 8, 32, 128, 512]


def write_example(root):
    """Writes `serving/kit` below a folder, for `models/ctr/1` there."""
    extra = root / "models" / "ctr" / "1" / "assets.extra"
    extra.mkdir(parents=True)
    (extra.parent / "saved_model.pb").write_bytes(b"\0" * 10**7)
    (extra / "manifest.json").write_text(json.dumps({"batch_buckets": BUCKETS}))
    write_kit(root / "models", root / "serving" / "kit")
    shutil.rmtree(root / "models")


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "serving" / "kit"
    with tempfile.TemporaryDirectory() as folder:
        write_example(Path(folder))
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(Path(folder) / "serving" / "kit", target)
