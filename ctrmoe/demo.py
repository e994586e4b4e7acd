"""The whole job on the embedded sample of Census-Income."""

from __future__ import annotations

import json
import time
from importlib.resources import files
from pathlib import Path

import polars as pl
from rich.console import Console

from ctrmoe.config import Config, ConfigError
from ctrmoe.console import frame_table, metrics_tables
from ctrmoe.data.prepare import prepare
from ctrmoe.evaluation import evaluate, write_report
from ctrmoe.export import export
from ctrmoe.export.golden import rest_body
from ctrmoe.export.raw_graph import served_schema
from ctrmoe.export.requests import request
from ctrmoe.files import write_text
from ctrmoe.prediction import reads_domain
from ctrmoe.run import Run
from ctrmoe.schema import Schema
from ctrmoe.scoring import score
from ctrmoe.training import TrainingProgress, train

SAMPLE = Path(str(files("ctrmoe"))) / "sample" / "census_income"
CONFIG = {
    "seed": 1,
    "model": {"interaction": {"kind": "autoint", "num_layers": 2, "num_heads": 2, "key_dim": 16}},
    "train": {"epochs": 3, "batch_size": 512, "learning_rate": 0.002},
}


def run_demo(out: Path, console: Console | None = None) -> None:
    """Prepares, trains, evaluates, exports, reloads and scores; prints where everything lies.

    Args:
        out: Folder to write, which must not exist or be empty.
        console: Where the progress goes.

    Raises:
        ConfigError: If `out` holds files.
    """
    console = console or Console()
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out} must be empty. Remove it, or choose another folder for `--out`.")
    start = time.perf_counter()
    test = SAMPLE / "test.parquet"
    console.rule("1 prepare: vocabularies from the training part, every part encoded")
    _prepare(out / "prepared", console)
    console.rule("2 train: AutoInt with Keras fit")
    run = _train(out, console)
    console.rule("3 evaluate: the untouched test part, per task and per domain")
    evaluator = evaluate(run, [test])
    write_report(evaluator, out / "report")
    console.print(metrics_tables(evaluator.report()))
    console.rule("4 export: a SavedModel that takes raw features")
    version = export(run, out / "models" / "census_income")
    console.print(f"{version}: the reloaded SavedModel agrees with the Keras model", markup=False)
    console.rule("5 score: raw parquet in, probabilities out")
    summary = score(version, [test], out / "scores", keep=["age", "income_over_50k"])
    console.print(frame_table(pl.read_parquet(out / "scores" / "test.parquet").head(5)))
    console.print(f"{summary.rows:,} rows scored in {summary.seconds:.1f} s")
    _write_request(run, test, out / "request.json")
    console.rule(f"done in {time.perf_counter() - start:.0f} s")
    _where(out, version, console)


def _prepare(folder: Path, console: Console) -> None:
    schema = Schema.load(SAMPLE / "schema.toml")
    summary = prepare(
        schema, [SAMPLE / "train.parquet"], split="random:0.9,0.1", seed=1, out=folder
    )
    rows = ", ".join(f"{part} {count:,}" for part, count in summary.rows.items())
    console.print(f"{rows} rows, {len(schema.features)} features in {summary.seconds:.1f} s")


def _train(out: Path, console: Console) -> Run:
    config = Config.from_dict(CONFIG | {"data": {"prepared": str(out / "prepared")}})
    return train(config, out / "run", callbacks=[TrainingProgress(console)])


def _write_request(run: Run, test: Path, path: Path) -> None:
    """Two rows as a client sends them."""
    schema = served_schema(run.encoder, reads_domain(run.model))
    rows = request("serving_default", pl.read_parquet(test).head(2), schema)
    write_text(path, json.dumps(rest_body("serving_default", rows)))


def _where(out: Path, version: Path, console: Console) -> None:
    console.print(
        f"run           {out / 'run'} (metrics.json, history.csv, TensorBoard logs)\n"
        f"report        {out / 'report'} (metrics.csv: the table above with intervals)\n"
        f"SavedModel    {version}\n"
        f"scores        {out / 'scores' / 'test.parquet'}\n"
        f"\nServe it:  ctrmoe serve {version.parent}\n"
        f"           curl -d @{out / 'request.json'} "
        f"localhost:8501/v1/models/{version.parent.name}:predict\n"
        "\nNext, with your own table:\n"
        "  ctrmoe infer YOUR.parquet --out schema.toml\n"
        "  ctrmoe prepare --schema schema.toml --train YOUR.parquet --split random:0.8,0.1,0.1 "
        "--out prepared\n"
        "  ctrmoe train pipelines/configs/autoint.toml --set data.prepared=prepared --out run\n"
        "  ctrmoe evaluate run YOUR.parquet\n"
        f"Look inside the model: saved_model_cli show --all --dir {version}\n"
        f"Watch the curves:      tensorboard --logdir {out / 'run' / 'logs'}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
