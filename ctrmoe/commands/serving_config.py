"""`ctrmoe serving-config`: what TensorFlow Serving needs to serve exported models."""

# Modules that load protocol buffers are imported inside, so that `--help` is quick.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.terminal import say


def serving_config(
    base: Annotated[Path, typer.Argument(help="The folder above the exported models.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("serving-kit"),
    image: Annotated[
        str, typer.Option(help="The image of TensorFlow Serving.")
    ] = "tensorflow/serving:2.20.0",
    cores: Annotated[int, typer.Option(help="Of a server.", min=1)] = 4,
    latest: Annotated[
        int,
        typer.Option(
            help="Serve the newest so many versions as they appear, without labels.", min=0
        ),
    ] = 0,
    batching: Annotated[
        bool | None,
        typer.Option(help="Join requests; off if left out where a model takes candidates."),
    ] = None,
) -> None:
    """Write container, configuration, orchestration and monitoring for TensorFlow Serving."""
    from ctrmoe.serving.kit import KitOptions, write_kit

    options = KitOptions(image=image, cores=cores, latest=latest, batching=batching)
    models = write_kit(base, out, options)
    for model in models:
        versions = ", ".join(map(str, model.versions))
        say(f"{model.name}: versions {versions}")
    if batching is None and any(model.takes_candidates for model in models):
        say(
            "Batching is left out: TensorFlow Serving's would refuse `serve_candidates`. Add "
            "`--batching` if no client uses it."
        )
    say(f"Wrote {out}: start with its README.md.")
