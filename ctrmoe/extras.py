"""Packages that only some commands need."""

from __future__ import annotations

from importlib.util import find_spec

from ctrmoe.config import ConfigError

EXTRAS = {"explain": ("matplotlib",)}


def check_extra(name: str) -> None:
    """Checks that the packages of an extra are installed, without loading them.

    Raises:
        ConfigError: If one is not; the message says how to install it.
    """
    missing = [package for package in EXTRAS[name] if find_spec(package) is None]
    if missing:
        raise ConfigError(
            f"`ctrmoe {name}` needs the packages of the extra `{name}`. Received: no "
            f"{' and no '.join(missing)}. Install with: pip install {' '.join(missing)}"
        )
