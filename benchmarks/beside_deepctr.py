"""A model's training and scoring rates and memory beside DeepCTR's, on the same data, in turns.

39 fields, d = 16, a linear term, Adam 1e-3, one epoch, two threads. AutoInt: 3 attention layers of
2 heads of 8 with residual projections and an MLP 256-128-64 beside them, batches of 4,096. FGCNN:
filters 14, 16, 18 and 20 of width 7, 3 new maps each, then IPNN with an MLP 256-128-64, batches of
1,024. Each repetition runs ours and the peer one after the other in processes of their own.

    python benchmarks/beside_deepctr.py --peer-python PEER/bin/python             # five minutes
    python benchmarks/beside_deepctr.py --peer-python PEER/bin/python --record    # writes results/
    python benchmarks/beside_deepctr.py --model fgcnn --rows 40000 --peer-python PEER/bin/python
    python benchmarks/beside_deepctr.py --precision mixed_bfloat16 --peer-python PEER/bin/python

`--precision` is ours: the peer computes in float32 whatever it says.

PEER is a virtual environment with DeepCTR:

    pip install deepctr==0.9.4 "tensorflow==2.15.*" "numpy<2" "pyarrow<21"
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import clocks
import criteo_rows

from ctrmoe.data.prepare import prepare
from ctrmoe.schema import Schema

HERE = Path(__file__).parent
OURS_WORKER = "ours_worker.py"
MODELS = {"autoint": ("AutoInt", 4096), "fgcnn": ("FGCNN", 1024)}
"""Names as in its paper, and the batch size of the comparison."""
PRECISIONS = ("float32", "mixed_bfloat16")
FIGURES = {
    "train_rows_s": "training, rows/s",
    "train_rows_cpu_s": "training, rows per CPU second",
    "step_ms": "step, ms",
    "step_cpu_ms": "step, CPU ms",
    "train_peak_gb": "peak memory until the end of training, GB",
    "score_rows_s": "scoring parquet to parquet, rows/s",
    "score_rows_cpu_s": "scoring, rows per CPU second",
    "valid_auc": "AUC after the epoch",
    "bare_rows_s": "bare graph on tensors in memory, rows/s",
    "bare_rows_cpu_s": "bare graph, rows per CPU second",
    "score_share_of_bare": "scoring / bare graph",
    "peak_gb": "peak memory of all, GB",
    "load_s": "loading the exported model, s",
    "load": "load of the machine at the end (1 minute)",
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer-python", help="the peer's interpreter; ours alone if left out")
    parser.add_argument("--model", choices=MODELS, default="autoint")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--valid-rows", type=int, default=50_000)
    parser.add_argument("--largest", type=int, default=100_000, help="most values of a field")
    parser.add_argument("--batch-size", type=int, help="that of the comparison by default")
    parser.add_argument("--precision", choices=PRECISIONS, default=PRECISIONS[0])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    args.batch_size = args.batch_size or MODELS[args.model][1]
    return args


def make_data(folder: Path, args: argparse.Namespace) -> dict[str, int]:
    """Writes the raw rows and their prepared folder; returns the codes of each column."""
    parts = {"train": args.rows, "valid": args.valid_rows}
    sizes = criteo_rows.write_rows(folder, args.seed, parts, args.largest)
    (folder / "sizes.json").write_text(json.dumps(sizes))
    schema = Schema.from_dict(
        {
            "name": "criteo-rows",
            "tasks": [{"name": "click", "column": "label"}],
            "features": [{"name": name, "kind": "categorical"} for name in sizes],
        }
    )
    prepare(schema, folder / "train", valid=folder / "valid", out=folder / "prepared")
    return sizes


def run_worker(python: str, script: str, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    options = ["--model", args.model, "--batch-size", str(args.batch_size)]
    if script == OURS_WORKER:
        options += ["--precision", args.precision]
    command = [python, str(HERE / script), str(folder), *options]
    done = subprocess.run(
        command, env=clocks.worker_environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def format_table(results: dict[str, list[dict[str, Any]]]) -> str:
    """Medians with the range of the repetitions, and ours over the peer's."""
    names = list(results)
    lines = [f"| | {' | '.join(names)} | ratio |", "|---|" + "---:|" * (len(names) + 1)]
    for key, title in FIGURES.items():
        columns = [[run[key] for run in runs if key in run] for runs in results.values()]
        cells = [_cell(values) for values in columns]
        both = all(columns) and len(columns) == 2
        ratio = statistics.median(columns[0]) / statistics.median(columns[1]) if both else None
        lines.append(f"| {title} | {' | '.join(cells)} | {f'{ratio:.2f}' if ratio else ''} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    if not values:
        return ""
    digits = 3 if max(values) < 100 else 0
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:,.{digits}f} [{low:,.{digits}f}–{high:,.{digits}f}]"


def main() -> None:
    args = arguments()
    workers = {"ctrmoe": (sys.executable, OURS_WORKER)}
    if args.peer_python:
        workers["DeepCTR"] = (args.peer_python, "peer_deepctr.py")
    results: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        sizes = make_data(Path(name), args)
        for number in range(args.repetitions):
            for worker, (python, script) in workers.items():
                results[worker].append(run_worker(python, script, Path(name), args))
                print(number + 1, worker, json.dumps(results[worker][-1]), flush=True)
    versions = {worker: runs[0].pop("versions") for worker, runs in results.items()}
    text = "\n\n".join(
        (
            f"# {MODELS[args.model][0]} beside DeepCTR",
            f"Median [range] of {args.repetitions} repetitions; {args.rows:,} training rows, "
            f"{sum(sizes.values()):,} codes in {len(sizes)} fields, batches of "
            f"{args.batch_size:,}, seed {args.seed}; ours in {args.precision}.",
            format_table(results),
            f"Machine: {clocks.machine()}; {clocks.THREADS} threads for each.",
            "Versions: "
            + "; ".join(
                f"{worker} with " + ", ".join(f"{package} {v}" for package, v in used.items())
                for worker, used in versions.items()
            )
            + ".",
            "Command: `python benchmarks/beside_deepctr.py --peer-python PYTHON "
            f"--model {args.model} --batch-size {args.batch_size} --rows {args.rows} "
            f"--valid-rows {args.valid_rows} --precision {args.precision} "
            f"--repetitions {args.repetitions} --seed {args.seed} --record`",
        )
    )
    print(text)
    if args.record:
        usual = args.batch_size == MODELS[args.model][1]
        name = args.model if usual else f"{args.model}_{args.batch_size}"
        suffix = "" if args.precision == PRECISIONS[0] else f"_{args.precision}"
        result = HERE / "results" / f"beside_deepctr_{name}{suffix}.md"
        result.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
