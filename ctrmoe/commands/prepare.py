"""`ctrmoe prepare`: vocabularies and encoded parts."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import give_freed_memory_back
from ctrmoe.schema import Schema
from ctrmoe.terminal import say, warn


def prepare(
    schema: Annotated[Path, typer.Option(help="The schema file.")],
    train: Annotated[list[str], typer.Option(help="Raw training files, globs or folders.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    valid: Annotated[list[str] | None, typer.Option(help="Raw validation files.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="Raw test files.")] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Divide --train into train, valid, test: random:0.8,0.1,0.1, or time:0.8,0.1,0.1 "
            "by the schema's `timestamp`."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of a random split.")] = 0,
) -> None:
    """Fit vocabularies on the training part, encode every part."""
    give_freed_memory_back()
    from ctrmoe.console import stage_progress
    from ctrmoe.data.prepare import prepare as run

    with stage_progress() as progress:
        summary = run(
            Schema.load(schema),
            train,
            valid=valid or (),
            test=test or (),
            split=split,
            seed=seed,
            out=out,
            progress=progress,
        )
    for warning in summary.warnings():
        warn(warning)
    rows = ", ".join(
        f"{part} {count:,} ({_rates(summary.positives[part], count)})"
        for part, count in summary.rows.items()
    )
    say(f"Wrote {out}: rows and label rates of {rows}, in {summary.seconds:.1f} s.")
    say(f"Next: ctrmoe train pipelines/configs/autoint.toml --set data.prepared={out} --out run")


def _rates(positives: Mapping[str, int], rows: int) -> str:
    return ", ".join(f"{task} {count / rows:.2%}" for task, count in positives.items())
