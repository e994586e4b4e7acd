"""What a server is started with."""

from __future__ import annotations

import os
import ssl
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from ctrmoe import strict
from ctrmoe.config import ConfigError
from ctrmoe.serving.api_keys import check_sendable

MEBIBYTE = 1 << 20
LIMIT = 1 << 31
"""gRPC takes no larger numbers, and no system waits for longer."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Addresses, batching and limits of a server.

    Args:
        host: The address to listen on; only this machine reaches the default.
        rest_port: Port of REST; 0 lets the system choose.
        grpc_port: Port of gRPC; 0 lets the system choose.
        poll_seconds: How often versions and the config file are looked for.
        batch_timeout_ms: How long a batch waits for more requests; with 0 it holds what came
            while the ones before it ran.
        max_batch_size: Most rows that run at once; a larger request is split.
        batch_threads: Batches that run at the same time.
        max_queued_rows: Rows that may wait; further requests are unavailable (503).
        max_rows: Most rows, or candidates, of a request.
        max_body_bytes: Most bytes of a request, after decompression too.
        max_concurrency: Most requests at a time; further ones get 429.
        max_connections: Most open REST connections.
        timeout_seconds: Until a request is given up, its body has arrived, a stop is forced.
        header_timeout_seconds: Until a connection has sent the head of its request.
        tls_certificate: A PEM file; REST and gRPC are encrypted with it.
        tls_key: Its key.
        api_key: What clients must send as `x-api-key` or as a bearer token.
    """

    host: str = "127.0.0.1"
    rest_port: int = 8501
    grpc_port: int = 8500
    poll_seconds: float = 1.0
    batch_timeout_ms: float = 0.0
    max_batch_size: int = 1024
    batch_threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    max_queued_rows: int = 64 * 1024
    max_rows: int = 10_000
    max_body_bytes: int = 64 * MEBIBYTE
    max_concurrency: int = 256
    max_connections: int = 1024
    timeout_seconds: float = 30.0
    header_timeout_seconds: float = 10.0
    tls_certificate: str | None = None
    tls_key: str | None = None
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("rest_port", "grpc_port"):
            if not 0 <= getattr(self, name) <= 65535:
                raise self._error(name, "lie between 0 and 65535")
        for limit in fields(self):
            value = getattr(self, limit.name)
            if isinstance(value, int | float) and "port" not in limit.name:
                self._check_limit(limit.name, value)
        if not self.host:
            raise self._error("host", "not be empty")
        if (self.tls_certificate is None) != (self.tls_key is None):
            missing = "tls_key" if self.tls_key is None else "tls_certificate"
            raise self._error(missing, "be given with the other half of the pair")
        if self.tls_certificate is not None and self.tls_key is not None:
            _check_tls(self.tls_certificate, self.tls_key)
        if self.api_key is not None:
            check_sendable(self.api_key)

    @classmethod
    def of(cls, values: Mapping[str, Any], assignments: Iterable[str] = ()) -> Self:
        """Builds settings from values and from texts `name=value`, which win.

        Raises:
            ConfigError: For an unknown name, a wrong type or a value outside its range.
        """
        try:
            given = tomllib.loads("\n".join(assignments))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"`--set` must have the form name=number. {error}.") from error
        texts = {name: str(v) if isinstance(v, Path) else v for name, v in values.items()}
        return strict.build(cls, {**texts, **given}, "", ConfigError)

    def _check_limit(self, name: str, value: float) -> None:
        may_be_zero = name == "batch_timeout_ms"
        if not (value >= 0 if may_be_zero else value > 0):  # nor "not a number"
            raise self._error(name, "not be negative" if may_be_zero else "be positive")
        if value >= LIMIT:
            raise self._error(name, f"lie below {LIMIT:,}")

    def _error(self, name: str, rule: str) -> ConfigError:
        return ConfigError(f"`{name}` must {rule}. Received: {getattr(self, name)!r}.")


def _check_tls(certificate: str, key: str) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except OSError as error:  # of its content too
        raise ConfigError(
            "`tls_certificate` and `tls_key` must be PEM files of a pair. Received: "
            f"{certificate}, {key} ({error})."
        ) from error
