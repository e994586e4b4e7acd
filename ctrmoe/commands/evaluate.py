"""`ctrmoe evaluate`: metrics of a run on raw tables."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.terminal import Data, RunFolder, out_console


def evaluate(
    run: RunFolder,
    data: Data,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for metrics.json and .csv.")] = None,
) -> None:
    """Measure a run on raw tables, per task and per domain."""
    load_tensorflow()
    from ctrmoe.console import metrics_tables, rows_progress
    from ctrmoe.evaluation import evaluate as measure
    from ctrmoe.evaluation import write_report
    from ctrmoe.run import Run

    with rows_progress("evaluate") as progress:
        evaluator = measure(Run(run), data, on_rows=progress)
    if out:
        write_report(evaluator, out)
    if as_json:
        print(json.dumps(evaluator.result()))
    else:
        out_console.print(metrics_tables(evaluator.report()))
