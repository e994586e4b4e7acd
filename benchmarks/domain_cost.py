"""What a training step of each model of several domains costs against the number of domains.

The same rows for all: 39 categorical fields of Criteo's shape (`criteo_rows.py`), d = 16, batches
of 4,096, Adam 1e-3, two threads. The domains' sizes fall as a power law, and the domain is a
feature besides. The layers have the sizes of `domain_cost_models.py`, in the peer's models too.
Each model trains in a process of its own, by `ctrmoe`'s own feed and training step; the peer
Scenario-Wise-Rec by its own trainer on batches in memory. Both in turns.

    python benchmarks/domain_cost.py --out OUT                    # half an hour for ours alone
    python benchmarks/domain_cost.py --out OUT --peer-python PEER/bin/python --peer-repo REPO
    python benchmarks/domain_cost.py --out OUT --minutes 3        # a part; again goes on after it
    python benchmarks/domain_cost.py --out OUT --minutes 0 --record    # the tables of what is there

REPO is a checkout of Scenario-Wise-Rec and PEER a virtual environment for it:

    pip install "torch==2.13.*" numpy pandas scikit-learn pyarrow tqdm
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import clocks
import criteo_rows
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from domain_cost_models import (
    BATCH_SIZE,
    DOMAIN_POWER,
    DOMAINS,
    MODELS,
    OURS,
    PEER,
    PEER_STEPS,
    SETTINGS,
    SKIPPED,
    SLOW_STEPS,
    STEPS,
)
from domain_cost_tables import document

from ctrmoe.data.prepare import prepare
from ctrmoe.schema import Schema

HERE = Path(__file__).parent
CONFIGS = HERE.parent / "pipelines" / "configs"


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
        steps = SLOW_STEPS.get((name, count), STEPS)
        skipped = SKIPPED if steps == STEPS else 2
        return [*line, f"--steps={steps}", f"--skipped={skipped}", *settings]
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
