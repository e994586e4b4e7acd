"""What a pruner would have saved, and lost, of searches that were run without one.

    ctrmoe tune benchmarks/configs/pruning.toml --trials 14 --no-prune --out SEARCH ...
    python benchmarks/pruning.py SEARCH [SEARCH ...] --record

The trials of each search are shown to a pruner in many random orders. A trial that it would have
ended counts the epochs until then, and is no candidate for the best one.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import clocks
import numpy as np
import optuna
import polars as pl
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner

from ctrmoe.tuning.study import NAME, STARTUP_TRIALS

RESULT = Path(__file__).parent / "results" / "pruning.md"
ORDERS = 200
PRUNERS: dict[str, BasePruner] = {
    "none": NopPruner(),
    f"median, from trial {STARTUP_TRIALS + 1} (ours)": MedianPruner(STARTUP_TRIALS),
    "the same, from the second epoch": MedianPruner(STARTUP_TRIALS, n_warmup_steps=1),
    "successive halving, a half": SuccessiveHalvingPruner(reduction_factor=2),
    "successive halving, a third": SuccessiveHalvingPruner(reduction_factor=3),
    "successive halving, a quarter": SuccessiveHalvingPruner(reduction_factor=4),
}


def curves(folder: Path) -> tuple[list[list[float]], bool]:
    """The validation figures of each trial by epoch, and whether larger ones are better."""
    study = optuna.load_study(study_name=NAME, storage=f"sqlite:///{folder / 'study.db'}")
    trials = [trial for trial in study.trials if trial.state.name == "COMPLETE"]
    larger = study.direction.name == "MAXIMIZE"
    return [
        [t.intermediate_values[i] for i in sorted(t.intermediate_values)] for t in trials
    ], larger


def replay(
    values: Sequence[Sequence[float]], larger: bool, pruner: BasePruner
) -> tuple[int, float]:
    """Epochs that would have been trained, and the best figure that would have been found."""
    direction = "maximize" if larger else "minimize"
    study = optuna.create_study(direction=direction, pruner=pruner)
    epochs = 0
    for curve in values:
        trial = study.ask()
        for epoch, value in enumerate(curve):
            trial.report(value, epoch)
            epochs += 1
            if trial.should_prune():
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, max(curve) if larger else min(curve))
    return epochs, study.best_value


def row(name: str, values: Sequence[Sequence[float]], larger: bool) -> dict[str, object]:
    """Shares and losses of a pruner over the orders."""
    best = max(map(max, values)) if larger else min(map(min, values))
    whole = sum(map(len, values))
    generator = np.random.default_rng(1)
    orders = [generator.permutation(len(values)) for _ in range(ORDERS)]
    found = [replay([values[i] for i in order], larger, PRUNERS[name]) for order in orders]
    losses = np.abs([value - best for _, value in found])
    return {
        "pruner": name,
        "epochs trained": f"{np.mean([epochs for epochs, _ in found]) / whole:.0%}",
        "best trial kept": f"{np.mean(losses < 1e-12):.0%}",
        "mean loss": f"{losses.mean():.5f}",
        "largest loss": f"{losses.max():.5f}",
    }


def table(rows: Sequence[dict[str, object]]) -> str:
    heads = list(rows[0])
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * (len(heads) - 1)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row.values())) + " |" for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("searches", type=Path, nargs="+", help="folders of `ctrmoe tune`")
    parser.add_argument("--record", action="store_true", help="write the tables to results/")
    args = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parts = ["# Pruning", f"{ORDERS} random orders of the trials of each search, seed 1."]
    for folder in args.searches:
        values, larger = curves(folder)
        keys = [name for name in pl.read_parquet(folder / "trials.parquet").columns if "." in name]
        parts.append(f"## {folder.name}")
        parts.append(
            f"{len(values)} trials of {max(map(len, values))} epochs at most, over "
            f"{', '.join(f'`{key}`' for key in keys)}."
        )
        parts.append(table([row(name, values, larger) for name in PRUNERS]))
    names = " ".join(folder.name for folder in args.searches)
    parts.append(
        f"Command: `python benchmarks/pruning.py {names} --record`; the searches as in README.md. "
        f"Machine: {clocks.machine()}; Optuna {optuna.__version__}."
    )
    text = "\n\n".join(parts) + "\n"
    print(text)
    if args.record:
        RESULT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
