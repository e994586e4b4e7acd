"""The data, command lines and tables of the cost by domains; its steps are those of `fit`."""

import json
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def cost(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import domain_cost

    yield domain_cost
    for name in ("domain_cost", "domain_cost_models", "domain_cost_tables", "clocks"):
        sys.modules.pop(name, None)
    sys.modules.pop("criteo_rows", None)


@pytest.fixture
def arguments(cost, tmp_path):
    def parse(*options):
        return cost.arguments(["--out", str(tmp_path), *options])

    return parse


PEER = ("--peer-python", "python", "--peer-repo", "repo")


def keep(cost, out, package, name, count, **figures):
    for repetition, factor in enumerate((1.0, 0.9, 1.2)):
        path = cost.place(out, repetition, package, name, count)
        path.parent.mkdir(parents=True, exist_ok=True)
        scaled = {figure: factor * value for figure, value in figures.items()}
        usual = {"step_ms": 1.0, "step_cpu_ms": 1.0, "peak_gb": 1.0, "parameters": 1_000_000}
        versions = {"versions": {"some": "1.0"}, "load": 1.0}
        path.write_text(json.dumps({**usual, **scaled, **versions}))


def test_every_config_of_several_domains_is_measured(cost):
    multi = set()
    for path in cost.CONFIGS.glob("*.toml"):
        model = tomllib.loads(path.read_text()).get("model", {})
        if {"router", "domain_network"} & set(model) or model.get("towers") == "domain":
            multi.add(path.stem)

    assert {model.config for model in cost.MODELS.values()} == multi


def test_settings_are_keys_of_a_config(cost):
    for model in cost.MODELS.values():
        path = cost.CONFIGS / f"{model.config}.toml"
        config = Config.load(path, [*cost.SETTINGS, *model.settings])

        assert (config.train.batch_size, config.model.embedding.dim) == (cost.BATCH_SIZE, 16)


def test_packages_take_turns_and_the_peer_runs_where_it_can(cost, arguments):
    args = arguments(*PEER, "--models", "star", "hinet", "--domains", "100", "300")
    args.repetitions = 2

    runs = list(cost.combinations(args))

    first = [
        (0, cost.OURS, "star", 100),
        (0, cost.PEER, "star", 100),
        (0, cost.OURS, "star", 300),
        (0, cost.OURS, "hinet", 100),
        (0, cost.OURS, "hinet", 300),
    ]
    assert runs == first + [(1, *run) for _, *run in first]
    args.peer_python = None
    assert {package for _, package, *_ in cost.combinations(args)} == {cost.OURS}


def test_commands_name_the_same_number_of_domains(cost, arguments):
    args = arguments(*PEER)

    ours, peer = (cost.command(args, package, "star", 30) for package in (cost.OURS, cost.PEER))

    assert str(args.out / "prepared_30") in ours
    assert "--set=model.auxiliary.units=[32]" in ours
    assert {"--domains=30", "--model=Star", "--batch-size=4096"} <= set(peer)


def test_peer_needs_its_checkout(arguments, capsys):
    with pytest.raises(SystemExit):
        arguments("--peer-python", "python")

    assert "must be given together" in capsys.readouterr().err


def test_rows_are_the_same_for_every_number_of_domains(cost, arguments, monkeypatch):
    monkeypatch.setattr(cost, "DOMAINS", (2, 5))
    args = arguments("--rows", "1000", "--largest", "40")

    cost.make_data(args.out, args)

    encoded = [pl.read_parquet(args.out / f"prepared_{count}" / "train") for count in (2, 5)]
    features = [name for name in encoded[0].columns if name[0] in "BC"]
    assert len(features) == 39
    assert encoded[0].select(features).equals(encoded[1].select(features))
    # Domain 0, of rows without a known one, is counted.
    counts = [Encoder.load(args.out / f"prepared_{count}").num_domains for count in (2, 5)]
    assert counts == [3, 6]


def test_tables_say_what_is_met(cost, arguments):
    args = arguments(*PEER)
    rate = "train_rows_cpu_s"
    keep(cost, args.out, cost.OURS, "adaptdhm", 10, step_cpu_ms=100.0, **{rate: 900.0})
    keep(cost, args.out, cost.OURS, "adaptdhm", 300, step_cpu_ms=105.0, **{rate: 850.0})
    keep(cost, args.out, cost.OURS, "adaptdhm", 30, **{rate: 900.0})
    keep(cost, args.out, cost.OURS, "star", 30, **{rate: 600.0})
    keep(cost, args.out, cost.OURS, "ple", 30, **{rate: 300.0})
    keep(cost, args.out, cost.PEER, "star", 30, **{rate: 100.0})
    keep(cost, args.out, cost.PEER, "ple", 30, **{rate: 200.0})

    text = cost.document(cost.finished(args.out), args)

    assert (
        "adaptdhm: CPU time of a step from 10 to 300 domains × 1.05 (asked: at most 1.10; met)"
        in text
    )
    assert "over those of star at 30 domains 1.50 (asked: at least 2; not met)" in text
    assert "over those of ple at 30 domains 3.00 (asked: at least 2; met)" in text
    assert "below 3 are ple at 30 (1.50)." in text
    assert "| adaptdhm | 100 [90–120] | 1 | 105 [94–126] | 1.05 |" in text
    assert "| star (Star) | 30 | 600 | 100 | 1 | 1 | 1.00 | 1.00 | 6.0 |" in text


def test_finished_runs_are_not_run_again(cost, arguments):
    args = arguments("--models", "star", "--domains", "10")
    keep(cost, args.out, cost.OURS, "star", 10)

    cost.measure(args)  # would fail without the rows

    args.minutes, args.models = 0.0, ["ple"]
    cost.measure(args)
    assert set(cost.finished(args.out)) == {(cost.OURS, "star", 10)}
