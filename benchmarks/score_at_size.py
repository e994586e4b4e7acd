"""Scoring parquet to parquet beside the bare graph: rows/s, memory, the right rows, kills.

`autoint` and `dnn` are the named configs, `small` an MLP of 64 and 32 units: they score generated
clicks in a partitioned folder of files of 250,000 rows. `demo` is the model of `ctrmoe demo` on its
own test rows, repeated. The bare graph is the exported signature on packed batches in memory.

    python benchmarks/score_at_size.py                                         # two minutes
    python benchmarks/score_at_size.py --rows 10000000 --folder DIR --prepare  # no timing
    python benchmarks/score_at_size.py --rows 10000000 --folder DIR --record   # three minutes
    python benchmarks/score_at_size.py --rows 10000000 --folder DIR --kills 5 --record
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import clocks
import polars as pl

HERE = Path(__file__).parent
RESULT = HERE / "results" / "score_at_size.md"
FILE_ROWS, DAY_ROWS, DEMO_ROWS = 250_000, 1_000_000, 1_000_000
TRAIN_START, TRAIN_ROWS = 1_000_000_000, 200_000
SMALL = {"deep": {"units": [64, 32]}, "embedding": {"dim": 8}}
CONFIGS = HERE.parent / "pipelines" / "configs"
CLICKS = "timestamp,click"
KEEP = {"small": CLICKS, "dnn": CLICKS, "autoint": CLICKS, "demo": "row,income_over_50k"}
"""The key and the label that are kept, by model."""
FIGURES = {
    "rows": ("rows", ",.0f"),
    "files": ("files", ",.0f"),
    "score_rows_s": ("scored, rows/s", ",.0f"),
    "score_rows_cpu_s": ("scored, rows per CPU second", ",.0f"),
    "bare_rows_s": ("bare graph, rows/s, mean of before and after", ",.0f"),
    "bare_rows_cpu_s": ("bare graph, rows per CPU second", ",.0f"),
    "share": ("scored / bare graph", ".2f"),
    "cpu_share": ("scored / bare graph, by CPU time", ".2f"),
    "model_gb": ("memory with the model, before scoring, GB", ".2f"),
    "scoring_peak_gb": ("peak memory, GB", ".2f"),
    "checked_rows": ("rows joined with their labels by key", ",.0f"),
    "joined_auc": ("AUC of the joined rows", ".6f"),
    "evaluated_auc": ("AUC by `ctrmoe evaluate`", ".6f"),
    "next_row_auc": ("AUC were each score on the row before", ".4f"),
    "load": ("load of the machine (1 minute)", ".1f"),
}


def prepare_clicks(folder: Path, rows: int) -> None:
    """Writes the rows, and a run and an export of each model, where they are not there yet."""
    from ctrmoe.config import Config
    from ctrmoe.data.prepare import prepare
    from ctrmoe.data.synthetic import SyntheticClicks
    from ctrmoe.export import export
    from ctrmoe.training import train

    clicks = SyntheticClicks(seed=1)
    for day, start in enumerate(range(0, rows, DAY_ROWS)):
        place, count = folder / f"rows-{rows}" / f"day={day}", min(DAY_ROWS, rows - start)
        if not place.exists():
            clicks.write(place, count, start=start, rows_per_file=FILE_ROWS)
    if not (folder / "prepared").exists():
        train_rows = clicks.frame(TRAIN_ROWS, start=TRAIN_START)
        valid = clicks.frame(TRAIN_ROWS // 10, start=TRAIN_START + TRAIN_ROWS)
        prepare(clicks.schema(), train_rows, valid=valid, out=folder / "prepared")
    data = {"prepared": str(folder / "prepared")}
    options = {"epochs": 1, "batch_size": 4096}
    settings = [f"data.prepared={data['prepared']}", "train.epochs=1", "train.batch_size=4096"]
    configs = {name: Config.load(CONFIGS / f"{name}.toml", settings) for name in ("dnn", "autoint")}
    configs["small"] = Config.from_dict({"data": data, "model": SMALL, "train": options})
    for name, config in configs.items():
        if not (folder / name).exists():
            export(train(config, folder / f"run-{name}"), folder / name)


def prepare_demo(folder: Path) -> None:
    from rich.console import Console

    from ctrmoe.demo import SAMPLE, run_demo

    if not (folder / "demo").exists():
        run_demo(folder / "demo-job", Console(quiet=True))
        test = pl.read_parquet(SAMPLE / "test.parquet")
        rows = pl.concat([test] * (DEMO_ROWS // len(test) + 1)).head(DEMO_ROWS)
        (folder / "demo-rows").mkdir()
        numbered = rows.with_row_index("row")
        for number, part in enumerate(numbered.iter_slices(FILE_ROWS)):
            part.write_parquet(folder / "demo-rows" / f"{number}.parquet")
        shutil.copytree(folder / "demo-job" / "models" / "census_income", folder / "demo")
        shutil.copytree(folder / "demo-job" / "run", folder / "run-demo")


def raw_rows(folder: Path, model: str, rows: int) -> Path:
    return folder / ("demo-rows" if model == "demo" else f"rows-{rows}")


def measure(folder: Path, model: str, raw: Path) -> dict[str, Any]:
    """Scores all rows in a process of its own; checks the scores against labels and `evaluate`."""
    out = folder / f"scores-{model}"
    forget(out)
    command = [sys.executable, HERE / "score_at_size_worker.py", folder / model, raw, out]
    done = subprocess.run(
        [*map(str, command), "--keep", KEEP[model]],
        env=clocks.worker_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures = json.loads(done.stdout.splitlines()[-1])
    figures["share"] = figures["score_rows_s"] / figures["bare_rows_s"]
    figures["cpu_share"] = figures["score_rows_cpu_s"] / figures["bare_rows_cpu_s"]
    return figures | check(folder, model, raw, out)


def check(folder: Path, model: str, raw: Path, out: Path) -> dict[str, float]:
    """Every row in its place; on the first files, the AUC by labels that are joined by key."""
    from ctrmoe.evaluation import evaluate
    from ctrmoe.metrics import Evaluator
    from ctrmoe.run import Run

    key, label = KEEP[model].split(",")
    names = sorted(path.relative_to(raw) for path in raw.rglob("*.parquet"))
    for name in names:
        read = [pl.read_parquet(place / name, columns=[key])[key] for place in (raw, out)]
        if not read[0].equals(read[1]):
            raise RuntimeError(f"The rows of {name} must keep their order.")
    names = names[: max(1, DAY_ROWS // FILE_ROWS)]
    labels, scores = (
        pl.concat([pl.read_parquet(place / name, columns=columns) for name in names])
        for place, columns in ((raw, [key, label]), (out, [key, f"{label}_probability"]))
    )
    joined = scores.sample(fraction=1.0, shuffle=True, seed=1).join(labels, on=key).sort(key)
    probability = joined[f"{label}_probability"].cast(pl.Float64)
    logits = (probability / (1 - probability)).log().to_numpy()

    def auc(shift: int) -> float:
        evaluator = Evaluator([label])
        rows = slice(0, len(joined) - shift)
        evaluator.update({label: joined[label].to_numpy()[rows]}, {label: logits[shift:]})
        return float(evaluator.result()["tasks"][label]["auc"])

    evaluated = evaluate(Run(folder / f"run-{model}"), [raw / name for name in names]).result()
    return {
        "checked_rows": len(joined),
        "joined_auc": auc(0),
        "evaluated_auc": evaluated["tasks"][label]["auc"],
        "next_row_auc": auc(1),
    }


def forget(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.with_name(f"{out.name}.json").unlink(missing_ok=True)


def kill(folder: Path, raw: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kills the command at random moments and goes on; compares with the uninterrupted scores."""
    out, whole = folder / "scores-killed", folder / "scores-small"
    forget(out)
    command = [sys.executable, "-m", "ctrmoe.cli", "score", folder / "small", raw, "--out", out]
    command += ["--keep", KEEP["small"], "--resume"]
    moments, found = random.Random(seed), []
    expected = json.loads((folder / "scores-small.json").read_text())
    sums = {file["name"]: file["sha256"] for file in expected["files"]}
    for _ in range(kills):
        process = subprocess.Popen([*map(str, command)], env=clocks.worker_environment())
        done = len(list(out.rglob("[!.]*.parquet")))
        while process.poll() is None and len(list(out.rglob("[!.]*.parquet"))) == done:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 3))
        process.kill()
        process.wait()
        found.append(len(list(out.rglob("[!.]*.parquet"))))
        check_sums(out, sums)
    subprocess.run([*map(str, command)], env=clocks.worker_environment(), check=True)
    check_sums(out, sums)
    manifest = (folder / "scores-killed.json").read_text()
    same = manifest == (folder / "scores-small.json").read_text()
    if not same or sorted(p.name for p in out.rglob("*.*")) != sorted(
        p.name for p in whole.rglob("*.*")
    ):
        raise RuntimeError("The killed scoring must end with the files of the uninterrupted one.")
    return {"kills": kills, "files": len(sums), "found": found, "seed": seed}


def check_sums(out: Path, sums: dict[str, str]) -> None:
    from ctrmoe.scoring.records import checksum

    for path in out.rglob("[!.]*.parquet"):
        if checksum(path) != sums[path.relative_to(out).as_posix()]:
            raise RuntimeError(f"{path} must be whole when it is visible.")


def text(results: dict[str, dict[str, Any]], rows: int) -> str:
    models = [name for name in KEEP if name in results]
    lines = [f"| | {' | '.join(models)} |", "|---|" + "---:|" * len(models)]
    for key, (title, form) in FIGURES.items():
        cells = [format(results[name][key], form) for name in models]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    versions = ", ".join(f"{n} {v}" for n, v in results[models[0]]["versions"].items())
    parts = [
        "# Scoring at size",
        "Parquet to parquet, two columns kept, each model in its own process, loaded and warm. "
        "The bare graph is the faster of one caller and one a core.",
        "\n".join(lines),
    ]
    if killed := results.get("kills"):
        parts.append(
            f"Killed {killed['kills']} times at random moments (seed {killed['seed']}), resumed: "
            f"`small`, after the kills {', '.join(map(str, killed['found']))} of {killed['files']} "
            "files were there, each whole; at the end the bytes are those of the uninterrupted "
            "scoring."
        )
    command = "python benchmarks/score_at_size.py --folder DIR --models MODEL --record --rows"
    parts.append(
        f"`{command} {rows}`, one model after the other, {clocks.THREADS} threads, "
        f"{clocks.machine()}; {versions}."
    )
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--models", default="small,dnn,autoint,demo")
    parser.add_argument("--folder", help="keeps rows, models and figures; else a temporary one")
    parser.add_argument("--prepare", action="store_true", help="only write rows and models")
    parser.add_argument("--kills", type=int, default=0, help="kill `small` so often instead")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(args.folder or temporary)
        folder.mkdir(exist_ok=True)
        prepare_clicks(folder, args.rows)
        prepare_demo(folder)
        if args.prepare:
            return
        known = folder / f"figures-{args.rows}.json"
        results = json.loads(known.read_text()) if known.exists() else {}
        if args.kills:
            raw = raw_rows(folder, "small", args.rows)
            results["kills"] = kill(folder, raw, args.kills, args.seed)
        for model in () if args.kills else filter(None, args.models.split(",")):
            results[model] = measure(folder, model, raw_rows(folder, model, args.rows))
            print(model, json.dumps(results[model]), flush=True)
        known.write_text(json.dumps(results))
        page = text(results, args.rows)
        print(page)
        if args.record:
            RESULT.write_text(page + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
