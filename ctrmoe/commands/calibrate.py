"""`ctrmoe calibrate`: makes a run's probabilities fit the observed rates."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.config import ConfigError
from ctrmoe.terminal import RunFolder, out_console, say


def calibrate(
    run: RunFolder,
    data: Annotated[
        list[str] | None, typer.Argument(help="Raw files with labels that the run never saw.")
    ] = None,
    method: Annotated[str, typer.Option(help="platt or isotonic.")] = "platt",
    by: Annotated[str, typer.Option(help="`domain`: large domains get maps of their own.")] = "",
    min_clicks: Annotated[
        int, typer.Option(help="Rows of either label that a domain needs for its own map.")
    ] = 1000,
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier calibration.")] = False,
    remove: Annotated[bool, typer.Option(help="Take the calibration off again.")] = False,
) -> None:
    """Fit a run's probabilities to the rates that labelled rows show."""
    if remove == bool(data):
        given = "both" if remove else "neither"
        raise ConfigError(f"Give either labelled DATA or `--remove`. Received: {given}.")
    load_tensorflow()
    from ctrmoe.calibrate import calibrate as fit
    from ctrmoe.calibrate import remove_calibration
    from ctrmoe.console import calibration_table, rows_progress
    from ctrmoe.run import Run

    if remove or not data:
        remove_calibration(Run(run))
        say(f"{run} is not calibrated any more.")
        return
    with rows_progress("calibrate") as progress:
        found = fit(
            Run(run),
            data,
            method=method,
            by=by,
            min_clicks=min_clicks,
            overwrite=overwrite,
            on_rows=progress,
        )
    out_console.print(calibration_table(found))
    say("Measured on the rows of the fit: evaluate the run on others.")
