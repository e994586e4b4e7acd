"""`ctrmoe export`: a SavedModel of a run."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.config import ConfigError
from ctrmoe.export.options import BATCH_BUCKETS, MAX_AUC_LOSS, ExportOptions
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
    quantize: Annotated[
        str, typer.Option(help="int8: the rows of embedding tables as int8 with a scale each.")
    ] = "",
    holdout: Annotated[
        list[str] | None, typer.Option(help="Raw labelled files that tell what rounding costs.")
    ] = None,
    max_auc_loss: Annotated[
        float, typer.Option(help="Refuse if rounding moves a task's AUC by more.")
    ] = MAX_AUC_LOSS,
    tables: Annotated[
        str, typer.Option(help="cpu: lookups and tables on the CPU, whatever runs the rest.")
    ] = "auto",
    candidates: Annotated[
        str, typer.Option(help="Raw columns that vary by candidate, for serve_candidates: a,b,c.")
    ] = "",
) -> None:
    """Export a run as a version of a SavedModel that takes raw features."""
    options = ExportOptions(
        batch_buckets=_numbers(batch_buckets),
        quantize=quantize,
        holdout=holdout or (),
        max_auc_loss=max_auc_loss,
        tables=tables,
        candidates=[name for name in candidates.split(",") if name],
    )
    load_tensorflow()
    from ctrmoe.console import quantization_table
    from ctrmoe.export import export as write
    from ctrmoe.export.manifest import read_manifest
    from ctrmoe.run import Run

    folder = write(Run(run), to, options, version=version)
    out_console.print(f"Wrote {folder}: checked against the Keras model.")
    if quantization := read_manifest(folder)["quantization"]:
        out_console.print(quantization_table(quantization))


def _numbers(text: str) -> list[int]:
    parts = [part for part in text.split(",") if part]
    if not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(
            f"`--batch-buckets` must be whole numbers: 1,8,32. Received: {text!r}. Leave out "
            "everything but digits and commas."
        )
    return [int(part) for part in parts]
