"""`ctrmoe score`: raw tables to probabilities."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.config import ConfigError
from ctrmoe.terminal import Data, names, say

FILES_SKIPPED = 3


def score(
    model: Annotated[Path, typer.Argument(help="An exported model or a run folder.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    keep: Annotated[str, typer.Option(help="Columns to copy: a,b,c.")] = "",
    resume: Annotated[
        bool, typer.Option(help="Go on after an interruption; score changed files anew.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Threads, one a core by default; Ray: files at once.")
    ] = None,
    engine: Annotated[str, typer.Option(help="local or ray.")] = "local",
    on_error: Annotated[
        str, typer.Option(help="At a file that can't be scored: stop or skip.")
    ] = "stop",
    shard: Annotated[
        str, typer.Option(help="i/n: this process scores every n-th file, from the i-th on.")
    ] = "",
) -> None:
    """Score raw tables: one output file for each input file, rows in order.

    Exits with 3 where `--on-error skip` has left files out.
    """
    share = _shard(shard)
    load_tensorflow()
    from ctrmoe.console import rows_left_progress
    from ctrmoe.scoring import score as run

    with rows_left_progress("score") as progress:
        summary = run(
            model,
            data,
            out,
            keep=names(keep),
            resume=resume,
            workers=workers,
            engine=engine,
            on_error=on_error,
            shard=share,
            progress=progress,
        )
    skipped = f", {_files(summary.skipped)} done before" if summary.skipped else ""
    rate = f", {summary.rows / summary.seconds:,.0f} rows/s" if summary.rows else ""
    say(
        f"Wrote {out}: {summary.rows:,} rows in {_files(summary.files)}{skipped}, "
        f"{summary.seconds:.1f} s{rate}; checksums in {summary.manifest}."
    )
    if summary.failed:
        say(f"Left out {_files(len(summary.failed))}: mend, then `--resume`.")
        raise typer.Exit(FILES_SKIPPED)


def _shard(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    numbers = re.fullmatch(r"(\d+)/(\d+)", text)
    if not numbers:
        raise ConfigError(f"`--shard` must be i/n, such as 1/4. Received: {text}.")
    return int(numbers[1]), int(numbers[2])


def _files(number: int) -> str:
    return f"{number:,} file{'s' * (number != 1)}"
