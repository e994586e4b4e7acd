import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def ablation(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import infnet_ablation

    yield infnet_ablation
    for name in ("infnet_ablation", "clocks"):
        sys.modules.pop(name, None)


def test_variants_leave_out_one_part_each(ablation, prepared):
    from ctrmoe.layers.interactions.infnet import PARTS

    left_out = [
        ablation.config_of(variant, prepared, ["seed=7"]).model.interaction["without"]
        for variant in ablation.VARIANTS
    ]

    assert left_out == [[], *([part] for part in PARTS)]
    assert ablation.config_of("full", prepared, ["seed=7"]).seed == 7


def test_table_has_the_median_and_the_range_of_the_seeds(ablation):
    aucs = [0.71, 0.75, 0.72]
    runs = {"full": [{"auc": {"click": auc}, "parameters": 1_234} for auc in aucs]}

    lines = ablation.table(runs, {"full": {"train": 9_876.5, "score": 54_321.0}}).splitlines()

    assert lines[0] == (
        "| variant | test AUC click | parameters | training rows/s | scoring rows/s |"
    )
    assert lines[2] == "| full | 0.7200 [0.7100 – 0.7500] | 1,234 | 9,876 | 54,321 |"


def test_calls_take_turns_and_are_timed(ablation):
    order = []
    calls = {name: [lambda name=name: order.append(name)] for name in ("a", "b")}

    times = ablation._median_seconds(calls)

    one = ["a"] * ablation.TIMED_STEPS + ["b"] * ablation.TIMED_STEPS
    assert order == one * ablation.ROUNDS
    assert all(0 <= time < 1 for (time,) in times.values())
