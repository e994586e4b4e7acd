"""`ctrmoe export`: a SavedModel of a run."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.config import ConfigError
from ctrmoe.export.options import BATCH_BUCKETS, MAX_AUC_LOSS, ExportOptions
from ctrmoe.terminal import RunFolder, names, out_console, say

_Server = partial(typer.Option, rich_help_panel="What the server does")
_Numbers = partial(typer.Option, rich_help_panel="How it computes")
_Versions = partial(typer.Option, rich_help_panel="Versions")


def export(  # noqa: PLR0913 - its options
    run: RunFolder,
    to: Annotated[Path, typer.Option(help="BASE/NAME: the folder above the versions.")],
    batch_buckets: Annotated[
        str, _Server(help="Batch sizes to warm up: its allowed_batch_sizes.")
    ] = ",".join(map(str, BATCH_BUCKETS)),
    candidates: Annotated[
        str, _Server(help="Raw columns that vary by candidate, for serve_candidates: a,b,c.")
    ] = "",
    quantize: Annotated[
        str, _Numbers(help="int8: the rows of embedding tables as int8 with a scale each.")
    ] = "",
    bfloat16: Annotated[
        bool, _Numbers("--bfloat16", help="The dense part computes in bfloat16.")
    ] = False,
    holdout: Annotated[
        list[str] | None, _Numbers(help="Raw labelled files that tell what rounding costs.")
    ] = None,
    max_auc_loss: Annotated[
        float, _Numbers(help="Refuse if rounding moves a task's AUC by more.")
    ] = MAX_AUC_LOSS,
    tables: Annotated[
        str, _Numbers(help="cpu: lookups and tables on the CPU, whatever runs the rest.")
    ] = "auto",
    jit: Annotated[
        bool, _Numbers("--jit", help="XLA compiles the model, for each batch bucket.")
    ] = False,
    tpu_ready: Annotated[
        bool, _Numbers("--tpu-ready", help="For Google's TPU converter; not tested on hardware.")
    ] = False,
    version: Annotated[int | None, _Versions(help="Number; the next free one if left out.")] = None,
    keep: Annotated[
        int | None, _Versions(min=1, help="Newest versions to keep; the others are removed.")
    ] = None,
    config: Annotated[
        Path | None, _Versions(help="A models.config whose versions --keep leaves alone.")
    ] = None,
) -> None:
    """Export a run as a version of a SavedModel that takes raw features."""
    options = ExportOptions(
        batch_buckets=_numbers(batch_buckets),
        quantize=quantize,
        holdout=holdout or (),
        max_auc_loss=max_auc_loss,
        tables=tables,
        jit=jit,
        bfloat16=bfloat16,
        tpu_ready=tpu_ready,
        candidates=names(candidates),
    )
    load_tensorflow()
    from ctrmoe.console import accuracy_table
    from ctrmoe.export import export as write
    from ctrmoe.export import remove_old_versions
    from ctrmoe.export.manifest import read_manifest
    from ctrmoe.run import Run
    from ctrmoe.versions import named_folder

    needed = _named_versions(config, named_folder(to).name) if config else set()
    folder = write(Run(run), to, options, version=version)
    say(f"Wrote {folder}: checked against the Keras model.")
    if keep:
        removed = remove_old_versions(to, keep, needed={*needed, int(folder.name)})
        say(f"Removed versions: {', '.join(map(str, removed)) or 'none'}.")
    manifest = read_manifest(folder)
    if quantization := manifest["quantization"]:
        before, after = (quantization[f"bytes_{when}"] / 1e6 for when in ("before", "after"))
        say(f"The weights take {after:,.2f} MB, unrounded {before:,.2f} MB.")
    if accuracy := manifest["accuracy"]:
        out_console.print(accuracy_table(accuracy))


def _named_versions(config: Path, model: str) -> set[int]:
    """The versions of a model that a models.config labels or serves by their numbers."""
    from ctrmoe.serving.models_config import read_models_config

    return {
        number
        for served in read_models_config(config).model_config_list.config
        if served.name == model
        for number in (
            *served.version_labels.values(),
            *served.model_version_policy.specific.versions,
        )
    }


def _numbers(text: str) -> list[int]:
    parts = [part for part in text.split(",") if part]
    if not all(part.strip().isdecimal() for part in parts):
        raise ConfigError(
            f"`--batch-buckets` must be whole numbers: 1,8,32. Received: {text!r}. Leave out "
            "everything but digits and commas."
        )
    return [int(part) for part in parts]
