"""What is to be predicted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ctrmoe.feature import SchemaError


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A binary label to predict; the model's output is named after it.

    Args:
        name: Name of the output: letters, digits, `_`, `-` and `.`, the first no `-`.
        column: Column of the raw table that holds 0 or 1; the task's name where left empty. With
            several tasks a row may have null there: it then does not count for this task.
        weight: Weight of the task's loss.
    """

    name: str
    column: str = ""
    weight: float = 1.0

    def __post_init__(self) -> None:
        # The name becomes that of a TensorFlow graph node and of a served output.
        if not re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*", self.name):
            raise SchemaError(
                "`name` of a task must consist of letters, digits, `_`, `-` and `.`. Received: "
                f"{self.name!r}. Give the raw column as `column`."
            )

    @property
    def label(self) -> str:
        """The raw column of the label."""
        return self.column or self.name
