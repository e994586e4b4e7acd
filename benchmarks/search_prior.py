"""How many trials a search with the ranking as its prior needs to reach an unguided search's best.

    python benchmarks/search_prior.py --data DATA --out OUT --record

`pipelines/search.py` runs twice for each data set and seed, with and without `--unguided`, on the
same rows, in the same ranges of the model. The guided one is asked to reach the best validation AUC
of the unguided one in a third of its trials. DATA is that of `leaderboard.py`; `planted` is the set
of `ranking_quality.py`, of which 70 of 100 features are noise. An interrupted run goes on where it
was, search by search.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import clocks
import polars as pl
import ranking
from ranking_usefulness import folder_of, schema_of

from ctrmoe.schema import Schema

SCRIPT = Path(__file__).parents[1] / "pipelines" / "search.py"
SETS = ("census_income", "criteo_10k", "planted")
SEEDS = (1, 2, 3)
ROWS = 40_000
"""Most rows of a search, so that a trial takes seconds."""
SPLIT = "random:0.5,0.5"
"""Of them: with few validation rows the best of more trials fits more of their noise."""
TRIALS, SHARE = 30, 3
NOT_REACHED = "-"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of raw data")
    parser.add_argument("--out", type=Path, required=True, help="folder of everything")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--record", action="store_true", help="write results/search_prior.md")
    return parser.parse_args()


def files(args: argparse.Namespace, name: str, seed: int) -> Path:
    """A folder with the schema and the parts of a set, at most `ROWS` rows of each."""
    folder = args.out / "search" / f"{name}_{seed}"
    if not (folder / "schema.toml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        schema, train, test = (
            _planted(folder, seed) if name == "planted" else _real(args, name, seed)
        )
        for part, frame in (("train", train), ("test", test)):
            few = frame.sample(min(ROWS, frame.height), shuffle=True, seed=seed)
            few.write_parquet(folder / f"{part}.parquet")
        (folder / "schema.toml").write_text(schema.dumps())
    return folder


def _real(
    args: argparse.Namespace, name: str, seed: int
) -> tuple[Schema, pl.DataFrame, pl.DataFrame]:
    place = folder_of(args, name, seed)
    parts = {
        part: pl.read_parquet(place / f"{part}.parquet") for part in ("train", "valid", "test")
    }
    return schema_of(name), pl.concat([parts["train"], parts["valid"]]), parts["test"]


def _planted(folder: Path, seed: int) -> tuple[Schema, pl.DataFrame, pl.DataFrame]:
    ranking.write(seed, 2 * ROWS, folder)
    frame = pl.read_parquet(folder / "data.parquet")
    return ranking.schema_of(frame.columns, "label"), frame[:ROWS], frame[ROWS:]


def search(folder: Path, seed: int, *, guided: bool) -> pl.DataFrame:
    """The trials of one search."""
    out = folder / ("guided" if guided else "unguided")
    if not (out / "done.csv").exists():
        trials = TRIALS // SHARE if guided else TRIALS
        words = [sys.executable, SCRIPT, "--schema", folder / "schema.toml", "--out", out]
        words += ["--train", folder / "train.parquet", "--test", folder / "test.parquet"]
        words += [
            "--split",
            SPLIT,
            "--trials",
            trials,
            "--seed",
            seed,
            *([] if guided else ["--unguided"]),
        ]
        shutil.rmtree(out, ignore_errors=True)
        done = subprocess.run(
            [str(word) for word in words],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env=clocks.worker_environment(1),
        )
        test = float(re.search(r"test part \S+ ([\d.]+)", done.stdout)[1])
        found = pl.read_csv(out / "trials.csv").with_columns(test_auc=pl.lit(test))
        found.write_csv(out / "done.csv")
    return pl.read_csv(out / "done.csv")


def figures(args: argparse.Namespace, name: str, seed: int) -> list[str]:
    """Of both searches of a set: best figures, and in which trial the guided one was as good."""
    folder = files(args, name, seed)
    free, ranked = (search(folder, seed, guided=guided) for guided in (False, True))
    goal = free["valid_auc"].max()
    reached = ranked.filter(pl.col("valid_auc") >= goal)["trial"]
    return [
        f"{goal:.4f}",
        str(free["valid_auc"].arg_max() + 1),
        f"{ranked['valid_auc'].max():.4f}",
        str(reached[0] + 1) if len(reached) else NOT_REACHED,
        f"{free['test_auc'][0]:.4f}",
        f"{ranked['test_auc'][0]:.4f}",
    ]


def document(rows: dict[str, list[str]], args: argparse.Namespace) -> str:
    """The figures in words and a table."""
    met = sum(row[3] != NOT_REACHED for row in rows.values())
    words = f"--sets {' '.join(args.sets)} --seeds {' '.join(map(str, args.seeds))}"
    head = {
        "data, seed": [
            "unguided: best AUC",
            "in trial",
            "guided: best AUC",
            "as good in trial",
            "unguided: test AUC",
            "guided: test AUC",
        ]
    }
    return "\n\n".join(
        (
            "# A search with the ranking as its prior",
            f"`python benchmarks/search_prior.py --data DATA --out OUT {words} --record`; "
            f"{clocks.machine()}. {TRIALS} unguided trials, {TRIALS // SHARE} guided ones, at most "
            f"{ROWS:,} rows, `--split {SPLIT}`. AUC is that of the validation part; the last "
            "columns are of the chosen trials, on at most as many rows that no trial saw.",
            "The guided search was as good as the unguided one's best within a third of its trials "
            f"in {met} of {len(rows)} searches.",
            ranking.table(head | rows),
        )
    )


def main() -> None:
    args = arguments()
    rows = {}
    for name in args.sets:
        for seed in args.seeds:
            rows[f"{name}, {seed}"] = figures(args, name, seed)
            print(name, seed, *rows[f"{name}, {seed}"], flush=True)
    text = document(rows, args) + "\n"
    print(text)
    if args.record:
        (ranking.RESULTS / "search_prior.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
