"""P1: memory is bounded by the chunk, not by the data. Full size: `benchmarks/memory.py`."""

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import polars as pl
import pytest

from ctrmoe.data.dataset import TrainingFeed
from ctrmoe.data.encode import Encoder
from ctrmoe.data.encoded import ROW_GROUP_ROWS
from ctrmoe.data.prepare import prepare
from ctrmoe.data.synthetic import SyntheticClicks

ROWS, TIMES = 131_072, 8
BOUND_MB = 100

# Every step holds a quarter to a half of ROWS at a time.
STEPS = """
import json, sys
from pathlib import Path

step, source, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
if step == "prepare":
    from ctrmoe.data.prepare import prepare
    from ctrmoe.schema import Schema
    valid = [source.replace("train", "valid")]
    prepare(Schema.load(sys.argv[4]), [source], valid=valid, out=folder / "prepared",
            chunk_rows=32_768)
elif step == "train":
    from ctrmoe.config import Config
    from ctrmoe.training import train
    data = {"prepared": str(folder / "prepared"), "shuffle_rows": 65_536}
    options = {"epochs": 1, "batch_size": 4096}
    train(Config.from_dict({"data": data, "model": {"wide": True}, "train": options}),
          folder / "run")
else:
    from ctrmoe.scoring import score
    score(folder / "run", [source], folder / "scores")

status = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:")))
"""


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Folders of one file of ROWS rows and one of eight times as many, 400 bytes a row."""
    clicks = SyntheticClicks(seed=1, num_numeric=20, tasks={"click": 0.2})
    folder = tmp_path_factory.mktemp("raw")
    for name, rows in (("train1", ROWS), ("train8", TIMES * ROWS)):
        clicks.write(folder / name, rows, rows_per_file=rows)
    for name in ("valid1", "valid8"):
        clicks.write(folder / name, 5_000, start=TIMES * ROWS)
    (folder / "schema.toml").write_text(clicks.schema().dumps())
    return folder


def peak_mb(step, raw, size, out):
    arguments = [step, raw / f"train{size}", out / str(size), raw / "schema.toml"]
    (out / str(size)).mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", STEPS, *map(str, arguments)],
        # glibc's arenas, one a thread, keep up to 130 MB of freed memory, by chance.
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return float(done.stdout.split()[-1])


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_p1_memory_does_not_grow_with_the_data(raw, tmp_path):
    table = pl.read_parquet(raw / "train8")
    assert (table.estimated_size("mb") * (TIMES - 1) / TIMES) > 3 * BOUND_MB

    peaks = {
        step: [peak_mb(step, raw, size, tmp_path) for size in (1, TIMES)]
        for step in ("prepare", "train", "score")
    }

    growth = {step: large - small for step, (small, large) in peaks.items()}
    assert max(growth.values()) < BOUND_MB, json.dumps(peaks)
    scored = pl.scan_parquet(tmp_path / "8" / "scores").select(pl.len()).collect().item()
    assert scored == TIMES * ROWS


@pytest.mark.slow
def test_p1_feed_holds_one_buffer_of_rows(tmp_path):
    clicks = SyntheticClicks(seed=2)
    prepare(clicks.schema(), clicks.frame(8 * ROW_GROUP_ROWS), out=tmp_path / "prepared")
    schema = Encoder.load(tmp_path / "prepared").schema
    feed = TrainingFeed(
        tmp_path / "prepared" / "train", schema, batch_size=1024, shuffle_rows=4 * ROW_GROUP_ROWS
    )
    inputs, _, _ = next(feed.batches())
    buffer = sum(matrix.nbytes for matrix in inputs.values()) / 1024 * 4 * ROW_GROUP_ROWS

    tracemalloc.start()
    for _ in feed.batches(steps=feed.steps_per_epoch):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    # One buffer, the row group before and the one that is read.
    assert buffer < peak < 1.8 * buffer
