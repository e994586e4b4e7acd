"""`ctrmoe promote`: the label of a served model goes to another version, or back."""

# Modules that read tables or speak gRPC are imported inside, so that `--help` is quick.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.config import ConfigError
from ctrmoe.terminal import say


def promote(  # noqa: PLR0913 - its options
    model: Annotated[Path, typer.Argument(help="BASE/NAME: the folder above the versions.")],
    config: Annotated[Path, typer.Option(help="The models.config that the server reads.")],
    version: Annotated[int | None, typer.Option(help="To promote.")] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Give the label back to the version before.")
    ] = False,
    label: Annotated[str, typer.Option(help="To move.")] = "stable",
    server: Annotated[str, typer.Option(help="HOST:PORT of its gRPC.")] = "127.0.0.1:8500",
    wait: Annotated[float, typer.Option(help="Seconds until it must be available.")] = 60.0,
    max_slowdown: Annotated[
        float, typer.Option(help="Most times the latency of the version that has the label.")
    ] = 1.5,
    max_logloss_increase: Annotated[
        float, typer.Option(help="Most that validation logloss may rise, as a share.")
    ] = 0.05,
    api_key: Annotated[
        str | None, typer.Option(envvar="CTRMOE_API_KEY", help="Of the server.")
    ] = None,
    root_certificates: Annotated[
        Path | None, typer.Option(help="PEM file, where the server has TLS.")
    ] = None,
) -> None:
    """Label a version of a served model, once golden requests, latency and logloss pass."""
    if rollback == (version is not None):
        raise ConfigError(
            f"Give `--version` or `--rollback`. Received: {'both' if rollback else 'neither'}."
        )
    from ctrmoe.serving import promotion
    from ctrmoe.serving.client import ClientOptions
    from ctrmoe.versions import named_folder

    model = named_folder(model)
    options = promotion.PromotionOptions(
        label=label,
        wait=wait,
        max_slowdown=max_slowdown,
        max_logloss_increase=max_logloss_increase,
    )
    access = ClientOptions(api_key=api_key, root_certificates=root_certificates)
    with promotion.ServerControl(server, access) as control:
        if version is None:
            now = promotion.rollback(model, config, control, options)
            say(f"{model.name}: {label} is version {now} again.")
        else:
            before = promotion.promote(model, version, config, control, options, say)
            former = "" if before is None else f", it was {before}"
            say(f"{model.name}: {label} is version {version} now{former}.")
