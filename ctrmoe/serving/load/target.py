"""Where load goes to: a model of a server, over REST or gRPC."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from ctrmoe.config import ConfigError
from ctrmoe.serving.client import AsyncGrpcClient, AsyncRestClient, ClientOptions

_FORM = re.compile(
    r"(?P<scheme>https?|grpcs?)://(?P<address>[^/]+)(?:/v1/models)?/(?P<model>[^/]+)"
    r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>\w+))?/?"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A model, one of its versions or labels, in a server.

    Args:
        text: As it was given.
        scheme: http, https, grpc or grpcs.
        address: Host and port.
        model: Name of the model.
        version: Its version, if one is asked by its number.
        label: Its label, if one is asked by it.
    """

    text: str
    scheme: str
    address: str
    model: str
    version: int | None
    label: str | None

    @classmethod
    def parse(cls, text: str) -> Target:
        """Reads `http://HOST:PORT/NAME[/versions/N|/labels/L]`, the same with grpc.

        Raises:
            ConfigError: If it is none.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise ConfigError(
                "The target must be http://HOST:PORT/NAME or grpc://HOST:PORT/NAME, followed by "
                f"/versions/N or /labels/LABEL if wanted. Received: {text!r}."
            )
        version = int(match["version"]) if match["version"] else None
        return cls(text, match["scheme"], match["address"], match["model"], version, match["label"])

    @property
    def is_rest(self) -> bool:
        """Whether it is asked in JSON."""
        return self.scheme.startswith("http")

    @property
    def is_encrypted(self) -> bool:
        """Whether it is asked over TLS."""
        return self.scheme.endswith("s")

    def options(self, access: ClientOptions) -> ClientOptions:
        """Returns the options of a client of this target, with the keys of `access`."""
        return replace(access, version=self.version, label=self.label, tls=self.is_encrypted)

    def client(self, access: ClientOptions) -> Any:
        """Returns a client of it, to be made within an event loop."""
        options = self.options(access)
        if self.is_rest:
            return AsyncRestClient(f"{self.scheme}://{self.address}", self.model, options)
        return AsyncGrpcClient(self.address, self.model, options)
