"""`ctrmoe demo`: the whole job on the embedded sample."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything the demo writes.")] = Path(
        "demo"
    ),
) -> None:
    """The whole job on the embedded sample: prepare, train, evaluate, export, score."""
    load_tensorflow()
    from ctrmoe.demo import run_demo

    run_demo(out)
