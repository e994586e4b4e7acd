"""`ctrmoe export`: a SavedModel of a run."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.terminal import RunFolder, out_console


def export(
    run: RunFolder,
    to: Annotated[Path, typer.Option(help="BASE/NAME: the folder above the versions.")],
    version: Annotated[int | None, typer.Option(help="Number; the next free one if left out.")]
    = None,
) -> None:  # fmt: skip
    """Export a run as a version of a SavedModel that takes raw features."""
    load_tensorflow()
    from ctrmoe.export import export as write
    from ctrmoe.run import Run

    folder = write(Run(run), to, version=version)
    out_console.print(f"Wrote {folder}: checked against the Keras model.")
