"""What bfloat16 costs and gains: test AUC and training speed of named models in both precisions.

    python benchmarks/precision.py --data DATA --out OUT            # goes on where it was
    ... --record                                                    # writes results/

DATA is that of `leaderboard.py`. Each model trains on Census-Income as its config says but for the
precision, a few epochs, with every seed in both precisions; nothing is tuned. Weights, tables,
optimizer and losses are float32 in either.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import clocks
import leaderboard_sets
from leaderboard import CONFIGS, worker

from ctrmoe import strict
from ctrmoe.config import Config
from ctrmoe.files import write_text

RESULT = Path(__file__).parent / "results" / "precision.md"
SET = "census_domains"
PRECISIONS = ("float32", "mixed_bfloat16")
MODELS = ("dnn", "dcn_v2")
EPOCHS = 3
Runs = list[dict[str, Any]]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of raw data")
    parser.add_argument("--out", type=Path, required=True, help="data and figures of each run")
    parser.add_argument("--models", nargs="+", default=list(MODELS), help="named configs")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1")
    parser.add_argument("--record", action="store_true")
    return parser.parse_args()


def figures(
    model: str, precision: str, seed: int, folders: leaderboard_sets.Folders, out: Path
) -> dict[str, Any]:
    """The run's figures on the test part and its training speed, measured once."""
    kept = out / f"{model}_{precision}_{seed}.json"
    if not kept.is_file():
        settings = [f"seed={seed}", f"train.precision={precision}", f"train.epochs={EPOCHS}"]
        settings += [f"train.batch_size={leaderboard_sets.SETS[SET].batch_size}"]
        settings += [f"data.prepared='{folders.prepared}'"]
        config = Config.load(CONFIGS / f"{model}.toml", settings)
        write_text(path := kept.with_suffix(".toml"), strict.dump_toml(config.to_dict()))
        run = kept.with_suffix("")
        found = worker(run, "--config", path, "--test", folders.raw / "test.parquet")
        write_text(kept, json.dumps(found | {"speeds": worker(run)}, indent=2))
    found = json.loads(kept.read_text(encoding="utf-8"))
    print(model, precision, seed, found["speeds"]["train_rows_cpu_s"], flush=True)
    return found


def row(model: str, by_precision: list[Runs]) -> str:
    """AUC of each task and rows per CPU second in both precisions, and the speeds' ratio."""
    cells = []
    for task in by_precision[0][0]["tasks"]:
        for runs in by_precision:
            cells.append(_spread([run["tasks"][task]["auc"] for run in runs], ".4f"))
    speeds = [[run["speeds"]["train_rows_cpu_s"] for run in runs] for runs in by_precision]
    cells += [_spread(values, ",.0f") for values in speeds]
    float32, bfloat16 = map(statistics.median, speeds)
    return f"| {model} | {' | '.join(cells)} | {bfloat16 / float32:.2f} |"


def _spread(values: list[float], form: str) -> str:
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} [{low:{form}} – {high:{form}}]"


def document(rows: list[str], tasks: list[str], args: argparse.Namespace) -> str:
    """The table with what it took."""
    header = [f"`{task}` AUC, {name}" for task in tasks for name in ("float32", "bfloat16")]
    header += ["training, rows per CPU s, float32", "bfloat16", "ratio"]
    chosen = leaderboard_sets.SETS[SET]
    command = f"--models {' '.join(args.models)} --seeds {args.seeds}"
    return "\n\n".join(
        [
            "# Precision",
            f"{chosen.title}; {EPOCHS} epochs of batches of {chosen.batch_size:,} at most, test "
            f"part, median [range] of the seeds 1 to {args.seeds}; speeds with the loader.",
            "\n".join(
                [
                    f"| model | {' | '.join(header)} |",
                    "|---|" + "---:|" * len(header),
                    *rows,
                ]
            ),
            f"Machine: {clocks.machine()}; its matrix units for bfloat16: "
            f"{'yes' if _has_matrix_units() else 'no'}.",
            f"Command: `python benchmarks/precision.py --data DATA --out OUT {command} --record`",
        ]
    )


def _has_matrix_units() -> bool:
    """Whether the processor says that it multiplies matrices of bfloat16 (AMX)."""
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.is_file() and "amx_bf16" in cpuinfo.read_text(encoding="utf-8")


def main() -> None:
    args = arguments()
    args.out = args.out.resolve()
    folders = leaderboard_sets.make(SET, args.data, args.out / "data")
    rows, tasks = [], []
    for model in args.models:
        by_precision: list[Runs] = [[] for _ in PRECISIONS]
        for seed in range(1, args.seeds + 1):
            for precision, runs in zip(PRECISIONS, by_precision, strict=True):
                runs.append(figures(model, precision, seed, folders, args.out))
        tasks = list(by_precision[0][0]["tasks"])
        rows.append(row(model, by_precision))
        print(rows[-1], flush=True)
    text = document(rows, tasks, args)
    print(text)
    if args.record:
        write_text(RESULT, text + "\n")


if __name__ == "__main__":
    main()
