"""One thing that a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that a check found.

    Args:
        check: Name of the check, a key of `CHECKS`.
        severity: A `note` passes no limit; the others make `ctrmoe check` exit with 3.
        message: One sentence or two: where, the rule, the value, how to mend it.
        column: The column, empty where it is about rows or files.
        value: The figure that was compared.
        limit: What it was compared with.
    """

    check: str
    severity: Severity
    message: str
    column: str = ""
    value: float | None = None
    limit: float | None = None

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Sorts the most severe first."""
        return SEVERITIES.index(self.severity), self.check, self.column, self.message
