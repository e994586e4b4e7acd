"""The command line: parses, calls one function a command, turns known errors into one line."""

from __future__ import annotations

import errno
import logging
import os
import sys

import typer

from ctrmoe.commands import COMMANDS
from ctrmoe.config import ConfigError
from ctrmoe.schema import SchemaError
from ctrmoe.terminal import error_console

app = typer.Typer(
    name="ctrmoe",
    help="Click-through-rate models from raw parquet to TensorFlow Serving and back onto parquet.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in COMMANDS:
    app.command()(command)

FILE_OPTIONS = {
    "prepare": ("--train", "--valid", "--test"),
    "check": ("--against",),
    "export": ("--holdout",),
}


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; exits with 0, with 2 for what the user can mend, else with 1.

    `check` exits with 3 where a limit is passed.
    """
    # TensorFlow's notes on its own start-up would bury the commands' messages.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(format="%(levelname)s: %(message)s")
    try:
        app(args=_repeated(sys.argv[1:] if arguments is None else arguments))
    except (SchemaError, ConfigError) as error:
        sys.exit(_mendable(str(error)))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            place = error.filename or "an output"
            sys.exit(_mendable(f"The disk is full: {place} was not written. Free some space."))
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR):
            sys.exit(_mendable(f"{error.filename}: {error.strerror}. Check the path."))
        raise


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


def _mendable(message: str) -> int:
    # Not through rich's markup: the message may hold brackets.
    error_console.print(f"error: {message}", markup=False, highlight=False, soft_wrap=True)
    return 2


if __name__ == "__main__":
    main()
