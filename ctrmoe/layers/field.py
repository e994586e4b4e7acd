"""What one field of the token matrix reads and where it reads it from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from ctrmoe.layers._checks import check_choice
from ctrmoe.layers.combiners import COMBINERS
from ctrmoe.layers.composed_table import OPERATIONS

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
        combiner: What makes one token of the ids of a list: a key of `COMBINERS`.
        numeric: Of a numeric field, the `kind` in `NUMERIC_EMBEDDINGS` and its options; empty for
            `linear`.
        quantiles: Of a numeric field, the numbers in ascending order that divide it into equal
            shares; empty if unknown.
        buckets: Rows of the remainder table of a `ComposedTable`; 0 for a table of a row an id.
        operation: How a `ComposedTable` joins its two rows.
        trainable: Whether training moves the table.
        weighted: Whether a multi-valued field has a weight for each id.
    """

    name: str
    kind: str
    vocabulary_size: int = 0
    length: int = 1
    table: str = ""
    embedding_dim: int = 0
    combiner: str = "mean"
    numeric: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    quantiles: tuple[float, ...] = ()
    buckets: int = 0
    operation: str = "multiply"
    trainable: bool = True
    weighted: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(
                f"`kind` must be one of {', '.join(KINDS)}. "
                f"Received: kind={self.kind!r} of field {self.name!r}."
            )
        object.__setattr__(self, "quantiles", tuple(self.quantiles))  # JSON has lists only
        check_choice("combiner", self.combiner, tuple(COMBINERS))
        check_choice("operation", self.operation, OPERATIONS)
        if self.combiner != "mean" and not self.is_list:
            raise ValueError(
                "`combiner` is for a field with several ids a row. "
                f"Received: combiner={self.combiner!r} of {self.kind} field {self.name!r}."
            )
        if self.weighted and (self.kind != "multi_valued" or self.combiner == "max"):
            raise ValueError(
                "`weighted` is for a multi-valued field with a combiner other than 'max'. "
                f"Received: {self.kind} field {self.name!r}, combiner={self.combiner!r}."
            )
        if self.kind == "numeric":
            self._check_numeric()
            return
        if self.numeric or self.quantiles:
            raise ValueError(
                "`numeric` and `quantiles` are for a numeric field. "
                f"Received: numeric={self.numeric} of {self.kind} field {self.name!r}."
            )
        self._check_table()

    def _check_table(self) -> None:
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
        if self.table and (self.buckets or not self.trainable):
            raise ValueError(
                "`buckets` and `trainable` must be those of the field that owns the shared table. "
                f"Received: buckets={self.buckets}, trainable={self.trainable} of field "
                f"{self.name!r}. Set them for {self.table!r}."
            )
        if self.buckets and not 2 <= self.buckets < self.vocabulary_size:
            raise ValueError(
                "`buckets` must be at least 2 and less than the number of ids. Received: "
                f"buckets={self.buckets} of field {self.name!r} with {self.vocabulary_size} ids."
            )

    def _check_numeric(self) -> None:
        widths = self.vocabulary_size or self.embedding_dim or self.length != 1
        if self.table or widths or self.buckets or not self.trainable:
            raise ValueError(
                "A numeric field must leave `vocabulary_size`, `length`, `table`, `buckets`, "
                f"`trainable` and `embedding_dim` at their defaults. Received: {self}."
            )

    @property
    def is_list(self) -> bool:
        """Whether a row holds several ids."""
        return self.kind in ("multi_valued", "sequence")

    def to_dict(self) -> dict[str, Any]:
        """The arguments that make this field again."""
        return dataclasses.asdict(self)
