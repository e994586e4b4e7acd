"""`ctrmoe check`: what is wrong with a table."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.schema import Schema
from ctrmoe.terminal import Data, out_console, say

LIMIT_PASSED = 3


def check(
    data: Data,
    schema: Annotated[Path, typer.Option(help="The schema file; its `limits` apply.")],
    against: Annotated[
        list[str] | None, typer.Option(help="Files of another table to compare with.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for findings, statistics and quality.html.", file_okay=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look for what is wrong with a table; exits with 3 if a limit is passed."""
    from ctrmoe.console import findings_table, rows_progress
    from ctrmoe.ranking.quality import check as run

    with rows_progress("check") as progress:
        report = run(data, Schema.load(schema), against=against or (), on_rows=progress)
    if out:
        report.write(out)
    if as_json:
        print(json.dumps(report.to_dict()))
    else:
        out_console.print(findings_table(report.findings))
        rows = report.rows + report.against_rows
        page = f" Open {out / 'quality.html'}." if out else ""
        say(f"Checked {rows:,} rows in {report.seconds:.1f} s.{page}")
    if not report.passed:
        raise typer.Exit(LIMIT_PASSED)
