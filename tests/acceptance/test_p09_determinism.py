"""P9: two trainings of one config predict the same bits, and say what they were made of."""

import hashlib
import json
import subprocess
import sys

import pytest

from ctrmoe.scorer import Scorer

CONFIG = """
seed = 7
[model.embedding]
dim = 4
dropout = 0.2
[model.interaction]
kind = "autoint"
num_layers = 2
num_heads = 2
key_dim = 4
dropout = 0.1
[model.deep]
units = [8]
[train]
epochs = 2
batch_size = 128
"""


@pytest.mark.slow
def test_p9_two_processes_predict_the_same_bits(prepared, test_rows, tmp_path):
    (tmp_path / "config.toml").write_text(CONFIG)

    def train(name):
        command = [sys.executable, "-m", "ctrmoe.cli", "train", tmp_path / "config.toml"]
        command += ["--set", f"data.prepared={prepared}", "--out", tmp_path / name]
        subprocess.run(command, check=True, capture_output=True)
        scored = Scorer.load(tmp_path / name).score(test_rows)
        predictions = b"".join(scored[column].to_numpy().tobytes() for column in scored.columns)
        manifest = json.loads((tmp_path / name / "manifest.json").read_text())
        # The checkout may move on between two trainings.
        assert {"git_sha", "git_dirty"} <= set(manifest)
        made_of = {k: v for k, v in manifest.items() if not k.startswith("git_")}
        return hashlib.sha256(predictions).hexdigest(), made_of

    first, second = train("a"), train("b")

    assert first == second
    assert first[1]["deterministic"] is True
    assert all(len(first[1][key]) == 64 for key in ("config", "data"))
