"""Packages that only some commands need."""

from __future__ import annotations

from importlib.util import find_spec

from ctrmoe.config import ConfigError

EXTRAS = {
    "explain": {"matplotlib": "matplotlib"},
    "ray": {"ray": "ray"},
    "ranking": {"sklearn": "scikit-learn", "lightgbm": "lightgbm"},
    "serving": {
        "grpc_health": "grpcio-health-checking",
        "httpx": "httpx",
        "orjson": "orjson",
        "prometheus_client": "prometheus-client",
        "starlette": "starlette",
        "uvicorn": "uvicorn",
    },
}
"""What is imported, and what is installed for it."""


def check_extra(name: str, what: str = "") -> None:
    """Checks that the packages of an extra are installed, without loading them.

    Args:
        name: The extra.
        what: What needs it; the command of its name if left out.

    Raises:
        ConfigError: If one is not; the message says how to install it.
    """
    missing = [package for module, package in EXTRAS[name].items() if find_spec(module) is None]
    if missing:
        raise ConfigError(
            f"{what or f'`ctrmoe {name}`'} needs the packages of the extra `{name}`. Received: no "
            f"{' and no '.join(missing)}. Install with: pip install {' '.join(missing)}"
        )
