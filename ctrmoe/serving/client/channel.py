"""gRPC channels: encrypted or not, with room for large requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc

from ctrmoe.serving.client.certificates import tls_context
from ctrmoe.serving.client.options import ClientOptions

MAX_BYTES = 64 << 20
_ARGUMENTS = (
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.max_send_message_length", MAX_BYTES),
)


def open_channel(module: Any, address: str, options: ClientOptions) -> Any:
    """Returns a channel to a server.

    Args:
        module: `grpc` or `grpc.aio`.
        address: Such as `127.0.0.1:8500`.
        options: Say whether and how it is encrypted.

    Raises:
        ConfigError: If its certificates are none.
    """
    if not (options.tls or options.root_certificates or options.client_certificate):
        return module.insecure_channel(address, _ARGUMENTS)
    tls_context(options)  # gRPC would say no more of a wrong file than that it can't connect
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(options.root_certificates),
        private_key=_read(options.client_key),
        certificate_chain=_read(options.client_certificate),
    )
    return module.secure_channel(address, credentials, _ARGUMENTS)


def sent_along(options: ClientOptions) -> tuple[tuple[str, str], ...]:
    """Returns what every gRPC request carries beside its message."""
    return (("x-api-key", options.api_key),) if options.api_key else ()


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()
