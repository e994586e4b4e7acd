"""`ctrmoe bench-serving`: latency and throughput of a served model."""

# Modules that read tables or speak gRPC are imported inside, so that `--help` is quick.

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ctrmoe.terminal import names, say

if TYPE_CHECKING:
    import polars as pl

FAILED = 3
MAX_ROWS = 100_000


def bench_serving(  # noqa: PLR0913 - its options
    target: Annotated[
        str,
        typer.Argument(help="http:// or grpc://HOST:PORT/NAME, then /versions/N or /labels/LABEL."),
    ],
    data: Annotated[str, typer.Option(help="Raw rows that requests are made of.")],
    against: Annotated[
        str | None, typer.Option(help="Another target, measured in turns with the first.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for load.json and load.html.")] = None,
    batch_sizes: Annotated[str, typer.Option(help="Rows of a request: a,b,c.")] = "1,32,200",
    signatures: Annotated[str, typer.Option(help="Each of these: a,b.")] = "serving_default",
    candidates: Annotated[
        str, typer.Option(help="Columns that vary by candidate, for serve_candidates: a,b.")
    ] = "",
    concurrency: Annotated[int, typer.Option(help="Requests under way at a time.")] = 16,
    rate: Annotated[
        float | None, typer.Option(help="Requests a second, whether or not the server keeps up.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 10.0,
    seed: Annotated[int, typer.Option(help="Of the arrivals of --rate.")] = 0,
    deadline: Annotated[float, typer.Option(help="Seconds of a request.")] = 30.0,
    api_key: Annotated[
        str | None, typer.Option(envvar="CTRMOE_API_KEY", help="Of the server.")
    ] = None,
    root_certificates: Annotated[
        Path | None, typer.Option(help="PEM file, where the server has TLS.")
    ] = None,
) -> None:
    """Measure a served model under load; exits with 3 if a request failed."""
    from ctrmoe.config import ConfigError
    from ctrmoe.files import write_text
    from ctrmoe.serving.client import ClientOptions
    from ctrmoe.serving.load import BenchOptions, Load, Target, bench_serving, load_page

    options = BenchOptions(
        signatures=names(signatures),
        batch_sizes=_sizes(batch_sizes),
        candidates=names(candidates),
        load=Load(seconds=seconds, concurrency=concurrency, rate=rate, seed=seed),
        access=ClientOptions(
            deadline=deadline, api_key=api_key, root_certificates=root_certificates
        ),
    )
    targets = [Target.parse(text) for text in (target, against) if text]
    if out and out.is_file():
        raise ConfigError(f"`out` must be a folder. Received: {out}, a file.")
    measured = bench_serving(targets, _rows(data), options, _tell)
    if out:
        how = f"{rate:g} requests a second" if rate else f"{concurrency} requests at a time"
        facts = {"Load": how, "Seconds": f"{seconds:g} each", "Rows of": data}
        write_text(out / "load.json", json.dumps({"facts": facts, "measured": measured}, indent=1))
        write_text(out / "load.html", load_page(measured, facts))
        say(f"Wrote {out}: open {out / 'load.html'}.")
    if any(figures["failed"] for figures in measured):
        raise typer.Exit(FAILED)


def _sizes(text: str) -> list[int]:
    from ctrmoe.config import ConfigError

    sizes = [part.strip() for part in text.split(",")]
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise ConfigError(f"`batch-sizes` must be positive numbers: 1,32,200. Received: {text!r}.")
    return [int(size) for size in sizes]


def _rows(data: str) -> pl.DataFrame:
    import polars as pl

    from ctrmoe.data.parquet import read_chunks

    return next(read_chunks(data, None, chunk_rows=MAX_ROWS), pl.DataFrame())


def _tell(figures: dict[str, Any]) -> None:
    failed = f", {figures['failed']} FAILED: {figures['errors']}" if figures["failed"] else ""
    say(
        f"{figures['target']} {figures['signature']}, {figures['batch_size']} rows: "
        f"{figures['requests_s']:,.0f} requests/s, {figures['rows_s']:,.0f} rows/s, "
        f"p50 {figures['p50_ms']:.1f}, p95 {figures['p95_ms']:.1f}, p99 {figures['p99_ms']:.1f}, "
        f"p99.9 {figures['p99.9_ms']:.1f} ms{failed}"
    )
