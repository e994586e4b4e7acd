"""What one field of the token matrix reads and where it reads it from."""

from __future__ import annotations

import dataclasses
from typing import Any

KINDS = ("categorical", "multi_valued", "numeric", "sequence")
FIRST_VALUE = 3  # ids 0, 1 and 2 are padding, missing and unknown in every vocabulary


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field, JSON-serialisable: `Field(**field.to_dict()) == field`.

    Args:
        name: The feature's name, unique among the fields of a layer.
        kind: `"categorical"` (one id a row), `"multi_valued"` or `"sequence"` (`length` ids a row)
            or `"numeric"` (one number a row).
        vocabulary_size: Number of ids, the reserved 0 padding, 1 missing and 2 unknown included.
            0 for a numeric field, or to take that of `table`.
        length: Ids per row of a multi-valued or sequence field.
        table: Name of the field whose table this one shares; empty for a table of its own.
        embedding_dim: Width of the table; 0 takes the layer's.
    """

    name: str
    kind: str
    vocabulary_size: int = 0
    length: int = 1
    table: str = ""
    embedding_dim: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"`kind` must be one of {', '.join(KINDS)}. "
                f"Received: kind={self.kind!r} of field {self.name!r}."
            )
        if self.kind == "numeric":
            self._check_numeric()
            return
        if self.vocabulary_size < FIRST_VALUE and not (self.table and self.vocabulary_size == 0):
            raise ValueError(
                f"`vocabulary_size` must count the {FIRST_VALUE} reserved ids (padding, missing, "
                f"unknown). Received: vocabulary_size={self.vocabulary_size} of field "
                f"{self.name!r}."
            )
        if self.length < 1 or (self.kind == "categorical" and self.length != 1):
            raise ValueError(
                "`length` must be at least 1, and 1 for a categorical field. "
                f"Received: length={self.length} of {self.kind} field {self.name!r}."
            )
        if self.embedding_dim < 0:
            raise ValueError(
                "`embedding_dim` must be positive, or 0 for the layer's. "
                f"Received: embedding_dim={self.embedding_dim} of field {self.name!r}."
            )

    def _check_numeric(self) -> None:
        if self.table or self.vocabulary_size or self.embedding_dim or self.length != 1:
            raise ValueError(
                "A numeric field must leave `vocabulary_size`, `length`, `table` and "
                f"`embedding_dim` at their defaults. Received: {self}."
            )

    @property
    def is_list(self) -> bool:
        """Whether a row holds several ids."""
        return self.kind in ("multi_valued", "sequence")

    def to_dict(self) -> dict[str, Any]:
        """The arguments that make this field again."""
        return dataclasses.asdict(self)
