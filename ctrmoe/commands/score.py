"""`ctrmoe score`: raw tables to probabilities."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.terminal import Data, out_console


def score(
    model: Annotated[Path, typer.Argument(help="An exported model or a run folder.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    keep: Annotated[str, typer.Option(help="Columns to copy: a,b,c.")] = "",
    resume: Annotated[bool, typer.Option(help="Go on after an interruption.")] = False,
) -> None:
    """Score raw tables: one output file for each input file, rows in order."""
    load_tensorflow()
    from ctrmoe.console import rows_progress
    from ctrmoe.scoring import score as run

    kept = [name for name in keep.split(",") if name]
    with rows_progress("score") as progress:
        summary = run(model, data, out, keep=kept, resume=resume, on_rows=progress)
    skipped = f", {summary.skipped} files done before" if summary.skipped else ""
    out_console.print(
        f"Wrote {out}: {summary.rows:,} rows in {summary.files} files{skipped}, "
        f"{summary.seconds:.1f} s."
    )
