"""Named models of one domain on four data sets: tuned alike, three seeds, tested once.

    python benchmarks/leaderboard.py --data DATA --out OUT             # hours; goes on where it was
    python benchmarks/leaderboard.py --data DATA --out OUT --report    # the tables of what is there
    python benchmarks/leaderboard.py --data DATA --out OUT --timings-only   # speeds once more
    ... --record                                                       # writes LEADERBOARD.md here

DATA holds `movielens-1m` (ratings.dat, users.dat, movies.dat, or the three joined in
ratings.parquet), `census-income` (census-income.data and .test, or train.parquet and test.parquet
of its recipe) and `criteo-10k/train.txt.gz` (rows in the form of Criteo's train.txt).

A cell is a model on a data set: a search by `ctrmoe tune` on the validation part, then the best
config with every seed. OUT keeps the searches and the runs, and in `figures` a file for each cell;
what is there is not made again, unless the trials, their sample and ranges, the embeddings or the
schedule have changed since. Nothing but the last step of a run reads the test part. With
`--figures benchmarks/results/leaderboard` figures go to those that are recorded there, and what is
recorded is not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import clocks
import leaderboard_sets
import leaderboard_tables
from leaderboard_sets import SETS

from ctrmoe import strict
from ctrmoe.config import SEARCH, Config
from ctrmoe.files import write_text

HERE = Path(__file__).parent
CONFIGS = HERE.parent / "pipelines" / "configs"
MIN_STEPS = 8
"""Of an epoch of a trial."""
RANGES: dict[str, dict[str, Any]] = {
    "train.learning_rate": {"low": 1e-3, "high": 1e-2, "log": True},
    "model.embedding.l2": {"low": 1e-5, "high": 3e-2, "log": True},
    "model.embedding.dropout": {"low": 0.0, "high": 0.4, "step": 0.1},
}
"""What is tuned, of every model; widths and depths are those of its named config."""
NARROW_FGCNN = [
    "model.interaction.filters=[14,16,18,20]",
    "model.interaction.kernel_size=7",
    "model.interaction.new_maps=1",
]
CHANGED = {
    "xdeepfm": ["model.interaction.units=[64,64]"],
    "census_income/fgcnn": NARROW_FGCNN,
    "movielens_random/fgcnn": NARROW_FGCNN,
    "movielens_time/fgcnn": NARROW_FGCNN,
}
"""Where a named config, on all sets or on one, is too slow here: xDeepFM's 200-200-200 trains a
thousand rows a second, FGCNN's 38 to 44 filters some four hundred of Census-Income and two
thousand of MovieLens. The narrow one is the paper's for Avazu with one new map, not three."""
SLOW = ("fgcnn", "infnet", "infnet_v2", "xdeepfm")
"""Models that come last."""
MULTI_DOMAIN = (
    "shared_bottom",
    "domain_towers",
    "mmoe",
    "ple",
    "star",
    "pepnet",
    "sarnet",
    "adasparse",
    "hinet",
    "m2m",
    "m3oe",
    "adaptdhm",
)
"""Models of `multi_domain.py`."""


@dataclass(frozen=True)
class Cell:
    """A model on a data set: the folder of its search and runs, the file of its figures."""

    set: str
    model: str
    folder: Path
    file: Path
    trials: int

    @property
    def protocol(self) -> dict[str, Any]:
        """What figures of one table must have in common."""
        chosen = SETS[self.set]
        return {
            "trials": self.trials,
            "tuning_share": chosen.tuning_share,
            "ranges": RANGES,
            "embedding_dim": chosen.embedding_dim,
            "train": chosen.duration(tuning=False),
            **({"changed": self.changed} if self.changed else {}),
        }

    @property
    def changed(self) -> list[str]:
        """What is not as in the named config, for speed."""
        return CHANGED.get(self.model, []) + CHANGED.get(f"{self.set}/{self.model}", [])

    def figures(self, name: str) -> dict[str, Any] | None:
        """What an earlier call has measured by the same protocol."""
        return self._read().get(name)

    def keep(self, name: str, figures: dict[str, Any]) -> None:
        kept = {**self._read(), "protocol": self.protocol, name: figures}
        write_text(self.file, json.dumps(kept, indent=1) + "\n")

    def _read(self) -> dict[str, Any]:
        if not self.file.is_file():
            return {}
        kept: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return kept if kept["protocol"] == self.protocol else {}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    models = sorted({path.stem for path in CONFIGS.glob("*.toml")} - set(MULTI_DOMAIN))
    parser.add_argument("--data", type=Path, required=True, help="the folder of raw data")
    parser.add_argument("--out", type=Path, required=True, help="folder of everything")
    parser.add_argument("--figures", type=Path, help="where figures lie instead of OUT/figures")
    parser.add_argument("--models", nargs="+", choices=models, default=models)
    sets = [name for name, chosen in SETS.items() if not chosen.by_domain]
    parser.add_argument("--sets", nargs="+", choices=sets, default=sets)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1")
    parser.add_argument("--threads", type=int, default=clocks.THREADS, help="of each training")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--report", action="store_true", help="only write the tables")
    mode.add_argument("--timings-only", action="store_true", help="only measure speeds again")
    parser.add_argument("--record", action="store_true", help="write benchmarks/LEADERBOARD.md")
    return parser.parse_args()


def cells(args: argparse.Namespace) -> Iterator[Cell]:
    """Every cell in its turn: quick models on all sets first."""
    for slow in (False, True):
        for name in args.sets:
            for model in args.models:
                if (model in SLOW) == slow:
                    folder, file = Path("cells", name, model), Path(name, f"{model}.json")
                    yield Cell(name, model, args.out / folder, args.figures / file, args.trials)


def named_config(
    cell: Cell, prepared: Path, rows: int, values: Mapping[str, Any] | None = None, **train: Any
) -> Config:
    """The model's named config with what all models of the set have in common, and values by key.

    So few rows that a trial would end after a handful of steps, those of a small domain, are
    divided into smaller batches.
    """
    fitting = 1 << max(rows // MIN_STEPS, 1).bit_length() - 1
    common = {"batch_size": min(SETS[cell.set].batch_size, fitting), **train}
    overrides = [f"train.{key}={value}" for key, value in common.items()]
    overrides += [f"data.prepared='{prepared}'", "seed=1"]
    overrides.append(f"model.embedding.dim={SETS[cell.set].embedding_dim}")
    overrides += cell.changed
    overrides += [f"{key}={value}" for key, value in (values or {}).items()]
    return Config.load(CONFIGS / f"{cell.model}.toml", overrides)


def run_cell(
    cell: Cell,
    args: argparse.Namespace,
    folders: leaderboard_sets.Folders | None = None,
    *,
    timed: bool = True,
) -> None:
    """Makes what is missing of a cell, by default with the data of its set and with its speeds."""
    seeds = [f"seed_{seed}" for seed in range(1, args.seeds + 1)]
    wanted = [*seeds, "speeds"] if timed else seeds
    if all(cell.figures(name) for name in wanted):
        return
    folders = folders or leaderboard_sets.make(cell.set, args.data, args.out / "data" / cell.set)
    rows = leaderboard_sets.rows(folders)
    if not cell.figures("tuned"):
        cell.keep("rows", rows)
        cell.keep("tuned", tune(cell, folders, args))
    for number, name in enumerate(seeds, 1):
        if not cell.figures(name):
            duration = SETS[cell.set].duration(tuning=False)
            values = {**(cell.figures("tuned") or {}), "seed": number}
            final = named_config(cell, folders.prepared, rows["tuning"], values, **duration)
            config = cell.folder / f"{name}.toml"
            write_text(config, strict.dump_toml(final.to_dict()))
            words = (cell.folder / name, "--config", config, "--test", folders.raw / "test.parquet")
            cell.keep(name, worker(*words, threads=args.threads))
    if timed and not cell.figures("speeds"):
        cell.keep("speeds", worker(cell.folder / "seed_1"))


def tune(cell: Cell, folders: leaderboard_sets.Folders, args: argparse.Namespace) -> dict[str, Any]:
    """Searches by the command line, in a process of its own; returns the best values by key."""
    study = cell.folder / "search"
    rows = leaderboard_sets.rows(folders)["tuning"]
    start = named_config(cell, folders.sample, rows, **SETS[cell.set].duration(tuning=True))
    write_text(cell.folder / "search.toml", strict.dump_toml({**start.to_dict(), SEARCH: RANGES}))
    command = ["tune", cell.folder / "search.toml", "--out", study, "--trials", args.trials]
    # Regularised trials start slowly: a pruner would end those that end best.
    words = [sys.executable, "-m", "ctrmoe.cli", *map(str, command), "--no-prune", "--resume"]
    subprocess.run(words, check=True, env=clocks.worker_environment(args.threads))
    best = Config.load(study / "best.toml").to_dict()
    return {key: _get(best, key) for key in RANGES}


def worker(*words: Any, threads: int = clocks.THREADS) -> dict[str, Any]:
    """Runs `leaderboard_worker.py` and returns the figures that it reports."""
    command = [sys.executable, str(HERE / "leaderboard_worker.py"), *map(str, words)]
    environment = clocks.worker_environment(threads)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def fill(args: argparse.Namespace) -> list[str]:
    """Makes every cell; returns those that failed, which hold up no other."""
    failed = []
    for cell in cells(args):
        start = time.perf_counter()
        try:
            run_cell(cell, args)
        except subprocess.CalledProcessError as error:
            failed.append(f"{cell.set}/{cell.model}: {error}")
        seconds = time.perf_counter() - start
        print(f"{cell.set} {cell.model}: {seconds:.0f} s", flush=True)
        write_tables(args)
    return failed


def time_again(args: argparse.Namespace) -> None:
    """Measures the speeds of the finished cells once more, for a quiet machine."""
    for cell in cells(args):
        if (cell.folder / "seed_1").is_dir() and cell.figures("seed_1"):
            cell.keep("speeds", worker(cell.folder / "seed_1"))
            print(cell.set, cell.model, json.dumps(cell.figures("speeds")), flush=True)


def finished(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Everything that has been measured, a dict for each cell with at least one seed."""
    found = []
    for cell in cells(args):
        runs = [cell.figures(f"seed_{seed}") for seed in range(1, args.seeds + 1)]
        runs = [run for run in runs if run]
        if runs:
            found.append(
                {"set": cell.set, "model": cell.model, "runs": runs}
                | {"tuned": cell.figures("tuned"), "rows": cell.figures("rows")}
                | {"speeds": cell.figures("speeds") or {}}
            )
    return found


def _get(table: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        table = table[part]
    return table


def write_tables(args: argparse.Namespace) -> None:
    """Writes leaderboard.csv and the document of what is finished."""
    found = finished(args)
    if not found:
        return
    table = leaderboard_tables.figures_table(found)
    table.write_csv(args.out / "leaderboard.csv")
    text = leaderboard_tables.document(table, found, protocol(args))
    write_text(args.out / "LEADERBOARD.md", text)
    if args.record:
        write_text(HERE / "LEADERBOARD.md", text)


def protocol(args: argparse.Namespace) -> str:
    """How the figures came about, in words."""
    ranges = [f"`{key}` {_range(table)}" for key, table in RANGES.items()]
    command = f"--trials {args.trials} --seeds {args.seeds}"
    points = [
        f"- Tuning: {args.trials} trials of `ctrmoe tune` (seed 1) on the validation AUC, of "
        "several tasks their mean; no pruning; the first trial is the config as it stands, the "
        "next four are the same for every model. Trials train on a fixed random share of the "
        "training rows.",
        f"- Tuned, of every model: {', '.join(ranges)}. Nothing else: widths and depths are "
        f"those of `pipelines/configs/`, but for speed {_changes()}. Logistic regression has no "
        "embedding to regularise.",
        f"- Final runs: the best values on all training rows, seeds 1 to {args.seeds}. Trials "
        "and runs have a cosine schedule over a fixed number of epochs, of which the best by "
        "the validation AUC is kept. The test part is read once, by the run that is reported. "
        "Two choices, the same for all models, were made after test figures had been seen: the "
        "range of the L2, after those of an earlier protocol, and that Census-Income's numbers "
        "are read as ranges and as values (`number_ranges.py`).",
        "- GAUC is by user where the data has users. ECE and log loss are of the model's own "
        "probabilities.",
        "- Speeds: `peak memory` is the training process's; training is the median gap between "
        "steps, loader included; scoring is the graph on encoded rows. They were taken beside "
        "other work unless `--timings-only` was run on a quiet machine since; read them within "
        "a factor of two.",
        f"- Command: `python benchmarks/leaderboard.py --data DATA --out OUT {command}`.",
    ]
    return _common_settings(args.sets) + "\n\n" + "\n".join(points)


def _common_settings(names: Sequence[str]) -> str:
    """What all models of a set have in common, a line for each set."""
    lines = [
        "| data set | `--sets` | embedding entries | rows of a step | epochs | rows tuned on |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for name in names:
        chosen = SETS[name]
        figures = f"{chosen.embedding_dim} | {chosen.batch_size:,} | {chosen.epochs}"
        lines.append(f"| {chosen.title} | `{name}` | {figures} | {chosen.tuning_share:.0%} |")
    return "\n".join(lines)


def _changes() -> str:
    """Which models are not as their named configs, the sets of one change together."""
    where: dict[tuple[str, str], list[str]] = {}
    for cell, keys in CHANGED.items():
        name, _, model = cell.rpartition("/")
        where.setdefault((model, " ".join(keys)), []).append(f"`{name}`" if name else "all sets")
    return "; ".join(
        f"{model} has `{keys}` on {', '.join(names)}" for (model, keys), names in where.items()
    )


def _range(table: dict[str, Any]) -> str:
    words = [f"{table['low']:g} to {table['high']:g}"]
    words += ["logarithmic"] if table.get("log") else []
    words += [f"step {table['step']:g}"] if "step" in table else []
    return "(" + ", ".join(words) + ")"


def main() -> None:
    args = arguments()
    # A search goes on only with the same path to its data.
    args.out = args.out.resolve()
    args.figures = args.figures or args.out / "figures"
    args.out.mkdir(parents=True, exist_ok=True)
    failed: Sequence[str] = ()
    if args.timings_only:
        time_again(args)
    elif not args.report:
        failed = fill(args)
    write_tables(args)
    if failed:
        sys.exit("failed: " + "; ".join(failed))


if __name__ == "__main__":
    main()
