"""`ctrmoe infer`: a first schema from a table."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

import shlex
import tomllib
from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.schema import SchemaError
from ctrmoe.terminal import Data, names, say


def infer(
    data: Data,
    out: Annotated[Path, typer.Option(help="Schema file to write.")] = Path("schema.toml"),
    label: Annotated[
        list[str] | None, typer.Option(help="A label column; repeat for several tasks.")
    ] = None,
    columns: Annotated[
        str, typer.Option(help="Names of the columns of CSV files without a header line: a,b,c.")
    ] = "",
) -> None:
    """Write a first schema from a table, with its reasons as comments."""
    from ctrmoe.data.infer import infer_schema
    from ctrmoe.files import write_text

    if out.exists():
        raise SchemaError(f"{out} exists already. Remove it, or choose another `--out`.")
    text = infer_schema(data, labels=label, columns=names(columns))
    write_text(out, text)
    say(f"Wrote {out}: read its comments and correct it.")
    split = "time" if tomllib.loads(text).get("timestamp") else "random"
    say(
        f"Next: ctrmoe prepare --schema {out} --train {shlex.join(data)} "
        f"--split {split}:0.8,0.1,0.1 --out prepared"
    )
