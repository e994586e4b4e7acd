"""What a client does beside its address and its model."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ctrmoe.config import ConfigError
from ctrmoe.serving.api_keys import check_sendable
from ctrmoe.versions import MAX_VERSION

if TYPE_CHECKING:
    from ctrmoe.serving.client.client_metrics import ClientMetrics


@dataclass(frozen=True, kw_only=True, slots=True)
class ClientOptions:
    """Options of all clients.

    Args:
        version: Ask this version.
        label: Ask the version with this label; the newest one if neither is given.
        deadline: Seconds for a whole call, retries included.
        max_rows: Rows of a request; more are split. The largest batch bucket of the export.
        side_by_side: Requests of one call at a time.
        retries: Further attempts where the server is unavailable or out of capacity.
        backoff: Seconds before the second attempt, twice as many before each further one.
        api_key: Sent as `x-api-key`.
        tls: Encrypt gRPC. REST does where its address begins with https.
        root_certificates: PEM file of who signed the server's certificate, if not a public one.
        client_certificate: PEM file of the client's own certificate, where the server wants one.
        client_key: Its key.
        metrics: Counts requests and scores for Prometheus.
    """

    version: int | None = None
    label: str | None = None
    deadline: float = 10.0
    max_rows: int = 512
    side_by_side: int = 4
    retries: int = 4
    backoff: float = 0.05
    api_key: str | None = field(default=None, repr=False)
    tls: bool = False
    root_certificates: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    metrics: ClientMetrics | None = None

    def __post_init__(self) -> None:
        if self.version is not None and self.label is not None:
            raise ConfigError(
                "Give a `version` or a `label`, not both. "
                f"Received: version={self.version}, label={self.label!r}."
            )
        if self.version is not None and not 0 <= self.version <= MAX_VERSION:
            raise ConfigError(
                f"`version` must lie between 0 and {MAX_VERSION}. Received: {self.version}."
            )
        for name in ("deadline", "max_rows", "side_by_side"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ConfigError(f"`{name}` must be positive. Received: {value}.")
        for name in ("retries", "backoff"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise ConfigError(f"`{name}` must not be negative. Received: {value}.")
        if (self.client_certificate is None) != (self.client_key is None):
            raise ConfigError(
                "`client_certificate` and `client_key` must be given together. Received: "
                f"{self.client_certificate}, {self.client_key}."
            )
        if self.api_key:
            check_sendable(self.api_key)
