"""The comparison of rankings: what it runs, keeps and says."""

import argparse
import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import ranking_quality

    yield ranking_quality
    for name in ("ranking_quality", "ranking", "planted_features", "clocks"):
        sys.modules.pop(name, None)


def test_orders_are_kept_and_compared(benchmark, tmp_path, monkeypatch, capsys):
    args = argparse.Namespace(out=tmp_path, rows=20_000, seed=3, seeds=1, outrank=None, mrmr=None)
    chosen = benchmark.methods(args)
    kept = {name: chosen[name] for name in ("ctrmoe", "mutual_info_classif")}
    monkeypatch.setattr(benchmark, "methods", lambda args: kept)

    benchmark.measure(args)
    benchmark.measure(args)

    assert capsys.readouterr().out.count(" s\n") == 2
    order = json.loads(benchmark.place(args, "mutual_info_classif", 3).read_text())["order"]
    assert len(set(order)) == 100
    lines = benchmark.report(args).splitlines()
    ours, theirs = (next(line for line in lines if name in line) for name in ("ctrmoe", "scikit"))
    assert float(ours.split("|")[2]) > 0.7 > float(theirs.split("|")[2])
