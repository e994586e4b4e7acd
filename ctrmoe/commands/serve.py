"""`ctrmoe serve`: exported models over TensorFlow Serving's API."""

# Modules that load TensorFlow are imported inside, so that `--help` is quick.

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.extras import check_extra
from ctrmoe.terminal import say


def serve(
    base: Annotated[
        Path | None, typer.Argument(help="BASE/NAME: the folder above a model's versions.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A models.config instead; its changes are followed.")
    ] = None,
    rest_port: Annotated[int, typer.Option(help="0 takes any free one.")] = 8501,
    grpc_port: Annotated[int, typer.Option(help="0 takes any free one.")] = 8500,
    host: Annotated[str, typer.Option(help="Address; other machines can't reach this one.")]
    = "127.0.0.1",
    batch_timeout_ms: Annotated[
        float, typer.Option(help="How long a batch waits for more requests.")
    ] = 0.0,
    tls_certificate: Annotated[Path | None, typer.Option(help="PEM file; encrypts both.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key.")] = None,
    set: Annotated[
        list[str] | None, typer.Option(help="Another setting: max_rows=500. Repeatable.")
    ] = None,
) -> None:  # fmt: skip
    """Serve exported models for development, tests and small deployments.

    It speaks TensorFlow Serving's REST and gRPC; production is TensorFlow Serving itself. Clients
    must send CTRMOE_API_KEY where that variable is set.
    """
    check_extra("serving", "`ctrmoe serve`")  # before TensorFlow is loaded
    load_tensorflow()
    from ctrmoe.serving.server import Settings, serve_models
    from ctrmoe.serving.server.listeners import url_host

    values = {
        "rest_port": rest_port,
        "grpc_port": grpc_port,
        "host": host,
        "batch_timeout_ms": batch_timeout_ms,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
        "api_key": os.environ.get("CTRMOE_API_KEY"),
    }
    server = serve_models(base, config, Settings.of(values, set or ()))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    scheme, place = "https" if tls_certificate else "http", url_host(host)
    say(
        f"Serving {scheme}://{place}:{server.rest_port}/v1/models, gRPC {place}:{server.grpc_port}."
        " For development and small deployments; Ctrl+C stops it."
    )
    stop.wait()
    say("Stopping: requests that run are answered.")
    server.close()
