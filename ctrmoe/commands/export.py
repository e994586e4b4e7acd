"""`ctrmoe export`: a SavedModel of a run."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.config import ConfigError
from ctrmoe.export.options import BATCH_BUCKETS, ExportOptions
from ctrmoe.terminal import RunFolder, out_console


def export(
    run: RunFolder,
    to: Annotated[Path, typer.Option(help="BASE/NAME: the folder above the versions.")],
    version: Annotated[
        int | None, typer.Option(help="Number; the next free one if left out.")
    ] = None,
    batch_buckets: Annotated[
        str, typer.Option(help="Batch sizes to warm up: a server's allowed_batch_sizes.")
    ] = ",".join(map(str, BATCH_BUCKETS)),
) -> None:
    """Export a run as a version of a SavedModel that takes raw features."""
    options = ExportOptions(batch_buckets=_numbers(batch_buckets))
    load_tensorflow()
    from ctrmoe.export import export as write
    from ctrmoe.run import Run

    folder = write(Run(run), to, options, version=version)
    out_console.print(f"Wrote {folder}: checked against the Keras model.")


def _numbers(text: str) -> list[int]:
    parts = [part for part in text.split(",") if part]
    if not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(
            f"`--batch-buckets` must be whole numbers: 1,8,32. Received: {text!r}. Leave out "
            "everything but digits and commas."
        )
    return [int(part) for part in parts]
