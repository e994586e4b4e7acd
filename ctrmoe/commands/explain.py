"""`ctrmoe explain`: what a run looks at."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.terminal import Data, RunFolder, names, say


def explain(
    run: RunFolder,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    rows: Annotated[int, typer.Option(help="Most rows to draw from the data.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the rows and the permutations.")] = 0,
    repeats: Annotated[
        int, typer.Option(help="Permutations of each feature; 0 leaves importance out.")
    ] = 5,
    features: Annotated[str, typer.Option(help="Features to permute: a,b,c; else all.")] = "",
) -> None:
    """Show what a run looks at: importance, attention, generated features, routing."""
    from ctrmoe.extras import check_extra

    check_extra("explain")  # before TensorFlow is loaded
    load_tensorflow()
    from ctrmoe.console import stage_progress
    from ctrmoe.explain import explain as write
    from ctrmoe.run import Run

    chosen = names(features) or None
    with stage_progress() as progress:
        write(
            Run(run),
            data,
            out,
            rows=rows,
            seed=seed,
            repeats=repeats,
            features=chosen,
            progress=progress,
        )
    say(f"Wrote {out}: open {out / 'index.html'}.")
