"""Scoring that is killed goes on where it was. Full size: `benchmarks/score_at_size.py`."""

import multiprocessing
import random
import time

import polars as pl
import pytest

from ctrmoe.scoring import score

KILLS, FILES = 5, 24


def start(context, model, raw, out):
    options = {"keep": ["timestamp"], "resume": True, "workers": 2}
    process = context.Process(target=score, args=(model, [raw], out), kwargs=options)
    process.start()
    return process


def outputs(out):
    return {path.name: path.read_bytes() for path in out.glob("[!.]*")}


@pytest.mark.slow
def test_killed_five_times_gives_the_same_files(exported, test_rows, tmp_path):
    raw, out = tmp_path / "raw", tmp_path / "out"
    raw.mkdir()
    for number in range(FILES):
        pl.concat([test_rows] * 20).write_parquet(raw / f"{number:02}.parquet")
    expected_manifest = score(exported, [raw], tmp_path / "whole", keep=["timestamp"]).manifest
    expected = outputs(tmp_path / "whole")
    # A server that has loaded TensorFlow once, and whose children do what a new process would.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ctrmoe.scoring"])
    moments = random.Random(7)

    for _ in range(KILLS):
        done = len(outputs(out))
        process = start(context, exported, raw, out)
        deadline = time.monotonic() + 120
        while len(list(out.glob("[!.]*"))) <= done:
            assert process.is_alive() and time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.04))
        process.kill()
        process.join()

        found = outputs(out)
        assert found.items() <= expected.items()  # whole files only
        assert not (tmp_path / "out.json").exists()
    last = start(context, exported, raw, out)
    last.join()

    assert last.exitcode == 0
    assert outputs(out) == expected
    assert sorted(path.name for path in out.iterdir()) == sorted(expected)
    assert (tmp_path / "out.json").read_text() == expected_manifest.read_text()
