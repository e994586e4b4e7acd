"""Which API keys can be sent."""

from __future__ import annotations

import re

from ctrmoe.config import ConfigError

_OTHERS = re.compile(r"[^!-~]")


def check_sendable(key: str) -> None:
    """Checks that a key can be the value of a header, over HTTP and gRPC.

    Raises:
        ConfigError: If it can't; the key is not told.
    """
    if not key:
        raise ConfigError("`api_key` must not be empty. Received: ''.")
    if others := _OTHERS.findall(key):
        raise ConfigError(
            "`api_key` must consist of visible ASCII characters, as it is sent in a header. "
            f"Received: {others[0]!r} among them."
        )
