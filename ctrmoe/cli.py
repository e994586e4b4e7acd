"""The command line: parses, calls one function a command, turns known errors into one line."""

from __future__ import annotations

import errno
import itertools
import logging
import os
import sys
from typing import Annotated

import typer

from ctrmoe import __version__
from ctrmoe.commands import COMMANDS
from ctrmoe.config import ConfigError
from ctrmoe.schema import SchemaError
from ctrmoe.terminal import tell

app = typer.Typer(
    name="ctrmoe",
    help="Click-through-rate models from raw parquet to TensorFlow Serving and back onto parquet.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ctrmoe {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, callback=_show_version
        ),
    ] = False,
) -> None:
    """What comes before a command; Typer shows the help of `app` instead of this."""


FILE_OPTIONS = {
    "prepare": ("--train", "--valid", "--test"),
    "check": ("--against",),
    "export": ("--holdout",),
}
OUTPUT_OPTIONS = ("--out", "--to")
INTERRUPTED = 130
RESUMABLE = ("train", "tune", "score")


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; exits with 0, with 2 for what the user can mend, else with 1.

    `check` exits with 3 where a limit is passed.
    """
    # TensorFlow's notes on its own start-up would bury the commands' messages.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(format="%(levelname)s: %(message)s")
    given = sys.argv[1:] if arguments is None else arguments
    if unnamed := _without_path(given):
        sys.exit(_mendable(f"{unnamed[0]} must name a path. Received: an empty one. Set it."))
    try:
        app(args=_repeated(given))
    except SystemExit as end:
        if end.code == INTERRUPTED:
            tell(f"interrupted: {_after_interruption(given[0])}")
        raise
    except (SchemaError, ConfigError) as error:
        sys.exit(_mendable(str(error)))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            place = error.filename or "an output"
            sys.exit(_mendable(f"The disk is full: {place} was not written. Free some space."))
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR):
            sys.exit(_mendable(f"{error.filename}: {error.strerror}. Check the path."))
        raise


def _without_path(arguments: list[str]) -> list[str]:
    """Options of outputs with an empty path, which would be the current folder: `--to "$UNSET"`."""
    after = {option for option, word in itertools.pairwise(arguments) if not word}
    return [name for name in OUTPUT_OPTIONS if name in after or f"{name}=" in arguments]


def _repeated(arguments: list[str]) -> list[str]:
    """Repeats the options that take several files: `--train a b`."""
    result: list[str] = []
    option, values = "", 0
    for argument in arguments:
        if argument.startswith("-"):
            option, values = argument, 0
        elif option in FILE_OPTIONS.get(arguments[0], ()):
            values += 1
            result += [option] if values > 1 else []
        result.append(argument)
    return result


def _after_interruption(command: str) -> str:
    if command in RESUMABLE:
        return f"what was done is kept, and `ctrmoe {command} … --resume` goes on."
    return "outputs appear when they are whole, so that nothing broken is left. Run it again."


def _mendable(message: str) -> int:
    tell(f"error: {message}")
    return 2


if __name__ == "__main__":
    main()
