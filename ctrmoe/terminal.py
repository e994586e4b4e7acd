"""Where commands print, and the arguments that most of them take."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

out_console = Console()
error_console = Console(stderr=True)

Data = Annotated[list[str], typer.Argument(help="Raw parquet or CSV files, globs or folders.")]
RunFolder = Annotated[Path, typer.Argument(help="A folder that `ctrmoe train` wrote.")]


def names(text: str) -> list[str]:
    """Reads names such as a,b,c; one that holds a comma stands in double quotes."""
    return [name for name in next(csv.reader([text]), []) if name]


def say(text: str) -> None:
    """Prints a line as it is: names may hold brackets, and paths should not be cut."""
    out_console.print(text, markup=False, highlight=False, soft_wrap=True)


def tell(text: str) -> None:
    """Prints such a line on stderr."""
    error_console.print(text, markup=False, highlight=False, soft_wrap=True)


def warn(text: str) -> None:
    """Prints a warning on stderr."""
    tell(f"warning: {text}")
