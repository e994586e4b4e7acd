"""What a training step of each model of several domains costs against the number of domains.

The same rows for all: 39 categorical fields of Criteo's shape (`criteo_rows.py`), d = 16, batches
of 4,096, Adam 1e-3, two threads. The domains' sizes fall as a power law, and the domain is a
feature besides. The layers have the sizes of `MODELS`, which are those of the peer's models too.
Each model trains in a process of its own, by `ctrmoe`'s own feed and training step; the peer
Scenario-Wise-Rec by its own trainer on batches in memory. Both in turns.

    python benchmarks/domain_cost.py --out OUT                    # about fifteen minutes
    python benchmarks/domain_cost.py --out OUT --peer-python PEER/bin/python --peer-repo REPO
    python benchmarks/domain_cost.py --out OUT --minutes 3        # a part; again goes on after it
    python benchmarks/domain_cost.py --out OUT --minutes 0 --record    # the tables of what is there

REPO is a checkout of Scenario-Wise-Rec and PEER a virtual environment for it:

    pip install "torch==2.13.*" numpy pandas scikit-learn pyarrow tqdm
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import clocks
import criteo_rows
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ctrmoe.data.prepare import prepare
from ctrmoe.schema import Schema

HERE = Path(__file__).parent
CONFIGS = HERE.parent / "pipelines" / "configs"
DOMAINS = (10, 30, 100, 300)
BATCH_SIZE = 4096
STEPS = 21
PEER_STEPS = {10: 12, 30: 10, 100: 6}
"""By number of domains; those that are missing are not run, for the hours they would take."""
DOMAIN_POWER = 0.8
SETTINGS = (
    f"train.batch_size={BATCH_SIZE}",
    "train.learning_rate=0.001",
    "model.embedding.dim=16",
    "data.shuffle_rows=100000",
)
OURS, PEER = "ctrmoe", "Scenario-Wise-Rec"
Runs = Mapping[tuple[str, str, int], Sequence[Mapping[str, Any]]]
"""The figures of each repetition by package, model and number of domains."""


@dataclass(frozen=True)
class Model:
    """A named config, what is set in it, and the peer's class of the same sizes, if there is one.

    Args:
        config: A file of `pipelines/configs`.
        settings: `--set` of its sizes.
        peer: Name of the class.
    """

    config: str
    settings: tuple[str, ...] = ()
    peer: str = ""


MODELS = {
    "shared_bottom": Model("shared_bottom", peer="SharedBottom"),
    "domain_towers": Model("domain_towers"),
    "mmoe": Model("mmoe", peer="MMOE"),
    "ple": Model("ple", peer="PLE"),
    "star": Model("star", ("model.auxiliary.units=[32]",), peer="Star"),
    "adaptdhm": Model("adaptdhm", peer="AdaptDHM"),
    "sarnet": Model(
        "sarnet",
        ("model.domain_network.units=[16]", "model.tower.units=[32, 32]"),
        peer="Sarnet",
    ),
    "adasparse": Model("adasparse", peer="AdaSparse"),
    "m3oe": Model(
        "m3oe",
        (
            "model.domain_network.star_dim=256",
            "model.domain_network.units=[128]",
            "model.towers=domain",
            "model.tower.units=[64]",
        ),
        peer="M3oE",
    ),
    "pepnet": Model("pepnet"),
    "pepnet, EPNet alone": Model(
        "pepnet",
        ("model.domain_network.gate_units=624", "model.domain_network.ppnet=false"),
        peer="EPNet",
    ),
    "hinet": Model("hinet"),
    "m2m": Model("m2m"),
}


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="rows, and figures of each run")
    parser.add_argument("--peer-python", help="the peer's interpreter; ours alone if left out")
    parser.add_argument("--peer-repo", type=Path, help="the peer's checkout")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--domains", nargs="+", type=int, choices=DOMAINS, default=list(DOMAINS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--largest", type=int, default=100_000, help="most values of a field")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, help="no run is started after so many")
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args(argv)
    if bool(args.peer_python) != bool(args.peer_repo):
        parser.error("--peer-python and --peer-repo must be given together")
    return args


def make_data(folder: Path, args: argparse.Namespace) -> None:
    """Writes the rows once, with a column for each number of domains, and prepares them by each."""
    sizes = criteo_rows.write_rows(folder, args.seed, {"train": args.rows}, args.largest)
    (folder / "sizes.json").write_text(json.dumps(sizes))
    rng = np.random.default_rng(args.seed)
    for path in sorted((folder / "train").glob("*.parquet")):
        table = pq.read_table(path)
        for count in DOMAINS:
            share = np.arange(1, count + 1) ** -DOMAIN_POWER
            domain = 1 + rng.choice(count, len(table), p=share / share.sum())
            table = table.append_column(f"domain_{count}", pa.array(domain.astype(np.int32)))
        pq.write_table(table, path, row_group_size=criteo_rows.ROW_GROUP_ROWS)
    for count in DOMAINS:
        domain_column = f"domain_{count}"
        schema = Schema.from_dict(
            {
                "name": "criteo-rows",
                "domain": domain_column,
                "tasks": [{"name": "click", "column": "label"}],
                "features": [
                    {"name": name, "kind": "categorical"} for name in (*sizes, domain_column)
                ],
            }
        )
        prepare(schema, folder / "train", out=folder / f"prepared_{count}")


def combinations(args: argparse.Namespace) -> Iterator[tuple[int, str, str, int]]:
    """Repetition, package, model and domains of each run, in turns."""
    for repetition in range(args.repetitions):
        for name in args.models:
            for count in args.domains:
                if (CONFIGS / f"{MODELS[name].config}.toml").is_file():
                    yield repetition, OURS, name, count
                if args.peer_python and MODELS[name].peer and count in PEER_STEPS:
                    yield repetition, PEER, name, count


def command(args: argparse.Namespace, package: str, name: str, count: int) -> list[str]:
    """The command line of a worker."""
    model = MODELS[name]
    if package == OURS:
        line = [sys.executable, str(HERE / "domain_cost_worker.py")]
        line += [str(CONFIGS / f"{model.config}.toml"), str(args.out / f"prepared_{count}")]
        settings = [f"--set={setting}" for setting in (*SETTINGS, *model.settings)]
        return [*line, f"--steps={STEPS}", *settings]
    line = [args.peer_python, str(HERE / "peer_scenario_wise_rec.py")]
    line += [str(args.peer_repo), str(args.out), f"--model={model.peer}", f"--domains={count}"]
    return [*line, f"--steps={PEER_STEPS[count]}", f"--batch-size={BATCH_SIZE}"]


def place(out: Path, repetition: int, package: str, name: str, count: int) -> Path:
    """Where a run's figures are kept."""
    return out / "runs" / package / name / str(count) / f"{repetition}.json"


def measure(args: argparse.Namespace) -> None:
    """Runs what is not there yet, until the time is over."""
    start = time.monotonic()
    for run in combinations(args):
        path = place(args.out, *run)
        if args.minutes is not None and time.monotonic() - start >= 60 * args.minutes:
            return
        if path.is_file():
            continue
        done = subprocess.run(
            command(args, *run[1:]),
            env=clocks.worker_environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(done.stdout.splitlines()[-1])
        print(*run, path.read_text(), flush=True)


def finished(out: Path) -> dict[tuple[str, str, int], list[dict[str, Any]]]:
    """The figures of all runs that are there."""
    runs: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for package in (OURS, PEER):
        for name in MODELS:
            for count in DOMAINS:
                files = sorted(place(out, 0, package, name, count).parent.glob("*.json"))
                if files:
                    runs[package, name, count] = [json.loads(f.read_text()) for f in files]
    return runs


def median(runs: Runs, key: tuple[str, str, int], figure: str) -> float | None:
    values = [run[figure] for run in runs.get(key, ())]
    return statistics.median(values) if values else None


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown; numbers in all columns but the first."""
    lines = [f"| {' | '.join(header)} |", "|---|" + "---:|" * (len(header) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def figure_table(runs: Runs, package: str, figure: str, form: str) -> str:
    """Medians with their range by model and number of domains, and the growth over all of them."""
    rows = []
    counts = [c for c in DOMAINS if any((package, name, c) in runs for name in MODELS)]
    for name in MODELS:
        cells = [_cell(runs.get((package, name, count), ()), figure, form) for count in counts]
        if any(cells):
            rows.append([name, *cells, ratio(runs, (package, name), counts, figure)])
    header = ["", *(f"{count} domains" for count in counts), f"{counts[-1]} / {counts[0]}"]
    return table(header, rows)


def ratio(runs: Runs, key: tuple[str, str], counts: Sequence[int], figure: str) -> str:
    least, most = (median(runs, (*key, count), figure) for count in (counts[0], counts[-1]))
    return f"{most / least:.2f}" if least and most else ""


def _cell(runs: Sequence[Mapping[str, Any]], figure: str, form: str) -> str:
    if not runs:
        return ""
    values = [run[figure] for run in runs]
    low, high = min(values), max(values)
    spread = f" [{low:{form}}–{high:{form}}]" if len(values) > 1 else ""
    return f"{statistics.median(values):{form}}{spread}"


def beside(runs: Runs) -> str:
    """Rows per CPU second, wall time and memory of ours beside the peer's."""
    rows = []
    for name, model in MODELS.items():
        for count in DOMAINS:
            keys = ((OURS, name, count), (PEER, name, count))
            if not all(key in runs for key in keys):
                continue
            cells = []
            for figure, form in (
                ("train_rows_cpu_s", ",.0f"), ("step_ms", ",.0f"), ("peak_gb", ".2f"),
            ):  # fmt: skip
                cells += [f"{median(runs, key, figure):{form}}" for key in keys]
            faster = median(runs, keys[0], "train_rows_cpu_s") / median(
                runs, keys[1], "train_rows_cpu_s"
            )
            rows.append([f"{name} ({model.peer})", str(count), *cells, f"{faster:.1f}"])
    header = ["ours (peer's)", "domains"]
    for title in ("rows per CPU s", "step, ms", "peak, GB"):
        header += [f"{title}: ours", "peer"]
    return table([*header, "rows per CPU s, ratio"], rows)


def demands(runs: Runs) -> str:
    """What is asked of the figures, and whether they have it."""
    lines = []
    for figure, title in (("step_cpu_ms", "CPU time of a step"), ("peak_gb", "peak memory")):
        growth = ratio(runs, (OURS, "adaptdhm"), (DOMAINS[0], DOMAINS[-1]), figure)
        if growth:
            lines.append(
                f"- AdaptDHM's {title} from 10 to 300 domains: × {growth} (asked: at most 1.10; "
                f"{_verdict(float(growth) <= 1.10)})."
            )
    rate = median(runs, (OURS, "adaptdhm", 30), "train_rows_cpu_s")
    for name in ("star", "ple"):
        other = median(runs, (OURS, name, 30), "train_rows_cpu_s")
        if rate and other:
            lines.append(
                f"- AdaptDHM's rows per CPU second over {name}'s at 30 domains: "
                f"{rate / other:.2f} (asked: at least 2; {_verdict(rate / other >= 2)})."
            )
    below = []
    for name in MODELS:
        for count in PEER_STEPS:
            ours, peer = (
                median(runs, (package, name, count), "train_rows_cpu_s") for package in (OURS, PEER)
            )
            if ours and peer and ours / peer < 3:
                below.append(f"{name} at {count} ({ours / peer:.1f})")
    if any(package == PEER for package, *_ in runs):
        lines.append(
            "- Rows per CPU second over the peer's (asked: at least 3 for each): "
            + (f"below 3 are {', '.join(below)}." if below else "met by all.")
        )
    return "\n".join(lines)


def _verdict(holds: bool) -> str:
    return "met" if holds else "not met"


def document(runs: Runs, args: argparse.Namespace) -> str:
    """All tables as Markdown."""
    figures = (
        ("CPU milliseconds of a step", "step_cpu_ms", ",.0f"),
        ("Milliseconds of a step", "step_ms", ",.0f"),
        ("Rows per CPU second", "train_rows_cpu_s", ",.0f"),
        ("Peak memory, GB", "peak_gb", ".2f"),
        ("Parameters, embeddings included, in millions", "millions", ",.1f"),
    )
    runs = {
        key: [{**run, "millions": run["parameters"] / 1e6} for run in own]
        for key, own in runs.items()
    }
    sections = [f"## {title}\n\n{figure_table(runs, OURS, f, form)}" for title, f, form in figures]
    if any(package == PEER for package, *_ in runs):
        sections.append(f"## Beside {PEER}\n\n{beside(runs)}")
    used = {package: own[0]["versions"] for (package, *_), own in runs.items()}
    versions = "; ".join(
        f"{package} with " + ", ".join(f"{name} {version}" for name, version in names.items())
        for package, names in used.items()
    )
    loads = [run["load"] for own in runs.values() for run in own]
    counts = sorted({len(own) for own in runs.values()})
    return "\n\n".join(
        [
            "# Training against the number of domains",
            f"Median [range] of {' or '.join(map(str, counts))} runs; {args.rows:,} rows, batches "
            f"of {BATCH_SIZE:,}, 39 fields and the domain, seed {args.seed}; load of the machine "
            f"at the end of a run {min(loads):.1f}–{max(loads):.1f}.",
            f"## What was asked\n\n{demands(runs)}",
            *sections,
            f"Machine: {clocks.machine()}; {clocks.THREADS} threads for each.",
            f"Versions: {versions}.",
            "Command: `python benchmarks/domain_cost.py --out OUT --peer-python PYTHON --peer-repo "
            f"REPO --rows {args.rows} --largest {args.largest} --seed {args.seed} --record`",
        ]
    )


def main() -> None:
    args = arguments()
    if not (args.out / f"prepared_{DOMAINS[-1]}").is_dir():
        make_data(args.out, args)
    measure(args)
    runs = finished(args.out)
    if not runs:
        return
    text = document(runs, args)
    print(text)
    if args.record:
        (HERE / "results" / "domain_cost.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
