"""The state of a model's versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

AVAILABLE = "AVAILABLE"


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """A version in a server.

    Args:
        version: Its number.
        state: START, LOADING, AVAILABLE, UNLOADING or END.
        error: Why it is not served, where loading failed.
    """

    version: int
    state: str
    error: str = ""

    @property
    def is_available(self) -> bool:
        """Whether it answers requests: that the status was answered does not mean so."""
        return self.state == AVAILABLE


def read_status(answer: Mapping[str, Any]) -> list[VersionStatus]:
    """Returns the versions of a REST status, or of a `GetModelStatusResponse` as a dict."""
    return sorted(
        (
            VersionStatus(
                int(entry.get("version", 0)),
                entry.get("state", "UNKNOWN"),
                entry.get("status", {}).get("error_message", ""),
            )
            for entry in answer.get("model_version_status", ())
        ),
        key=lambda status: status.version,
    )


def newest_available(versions: Sequence[VersionStatus]) -> int | None:
    """Returns the highest version that answers."""
    return max((status.version for status in versions if status.is_available), default=None)
