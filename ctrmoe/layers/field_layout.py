"""Where each field's ids lie in the packed matrices and in the fused tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ctrmoe.layers.field import Field


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class TableGroup:
    """The fields whose tables are of one width and kind, and so share one matrix.

    Args:
        dim: The width.
        trainable: Whether training moves the matrix.
        operation: How a composed table joins its two rows; empty for tables of a row an id.
        owners: Names of the fields that the tables belong to.
        fields: Positions of the fields among all fields: the categorical ones, then the lists.
        columns: For each id of these fields, its column in `ids ⊕ sequences`.
        vocabulary_sizes: Number of ids of each table of the group.
        buckets: Rows of each remainder table, 0 where there is none.
        tables: For each id, the index of its table in `vocabulary_sizes`.
    """

    dim: int
    trainable: bool
    operation: str
    owners: list[str]
    fields: list[int]
    columns: list[int]
    vocabulary_sizes: list[int]
    buckets: list[int]
    tables: list[int]

    @property
    def name(self) -> str:
        """Tells the groups of a layer apart."""
        parts = [str(self.dim), "" if self.trainable else "frozen", self.operation]
        return "_".join(["tables", *filter(None, parts)])

    def places(self, chosen: Sequence[int], fields: Sequence[Field]) -> list[int]:
        """Returns which of the group's ids belong to some of its fields, of all `fields`."""
        owners = [field for field in self.fields for _ in range(fields[field].length)]
        return [place for place, field in enumerate(owners) if field in chosen]


def check_fields(fields: Sequence[Field], pool_sequences: bool) -> None:
    """Raises a ValueError unless the fields of a layer fit each other and its pooling."""
    names = [field.name for field in fields]
    if not fields or len(set(names)) < len(names):
        raise ValueError(f"`fields` must have unique names, at least one. Received: {names}.")
    owners = {f.name: f for f in fields if not f.table and f.kind != "numeric"}
    for field in fields:
        if field.kind == "sequence" and field.combiner != "mean" and not pool_sequences:
            raise ValueError(
                "`combiner` must be left out for a sequence that the interaction or a pooling "
                f"reads. Received: combiner={field.combiner!r} of field {field.name!r}."
            )
        if not field.table:
            continue
        owner = owners.get(field.table)
        if owner is None:
            raise ValueError(
                "`table` must name a field that has a table of its own. "
                f"Received: table={field.table!r} of field {field.name!r}."
            )
        for key in ("vocabulary_size", "embedding_dim"):
            if getattr(field, key) not in (0, getattr(owner, key)):
                raise ValueError(
                    f"`{key}` must be 0 or equal that of the shared table {owner.name!r}. "
                    f"Received: {key}={getattr(field, key)} of field {field.name!r}."
                )


def input_widths(fields: Sequence[Field]) -> dict[str, int]:
    """Width of each packed matrix that the fields need, without those of width 0."""
    widths = {
        "ids": sum(field.kind == "categorical" for field in fields),
        "sequences": sum(field.length for field in fields if field.is_list),
        "values": sum(field.kind == "numeric" for field in fields),
        "weights": sum(field.length for field in fields if field.weighted),
    }
    return {key: width for key, width in widths.items() if width}


def weight_columns(fields: Sequence[Field], field: Field) -> slice:
    """Where the weights of a weighted field lie among those of all fields."""
    before = fields[: fields.index(field)]
    start = sum(other.length for other in before if other.weighted)
    return slice(start, start + field.length)


def group_by_dim(fields: Sequence[Field], embedding_dim: int) -> list[TableGroup]:
    """The groups of tables, by ascending width; a field's width 0 stands for `embedding_dim`."""
    owners = {f.name: f for f in fields if not f.table}
    columns = _columns(fields)
    groups: dict[tuple[int, bool, str], list[int]] = {}
    # A stable sort: within a group categorical fields come first, as in the columns.
    for position in sorted(range(len(fields)), key=lambda p: fields[p].is_list):
        field = fields[position]
        if field.kind != "numeric":
            owner = owners[field.table or field.name]
            dim, operation = owner.embedding_dim or embedding_dim, owner.operation
            key = (dim, not owner.trainable, operation if owner.buckets else "")
            groups.setdefault(key, []).append(position)
    return [_group(key, groups[key], fields, columns) for key in sorted(groups)]


def _columns(fields: Sequence[Field]) -> dict[str, list[int]]:
    placed, start = {}, 0
    for field in sorted((f for f in fields if f.kind != "numeric"), key=lambda f: f.is_list):
        placed[field.name] = list(range(start, start + field.length))
        start += field.length
    return placed


def _group(
    key: tuple[int, bool, str],
    positions: list[int],
    fields: Sequence[Field],
    columns: dict[str, list[int]],
) -> TableGroup:
    members = [fields[position] for position in positions]
    owners = [field for field in members if not field.table]
    index = {owner.name: i for i, owner in enumerate(owners)}
    dim, frozen, operation = key
    return TableGroup(
        dim=dim,
        trainable=not frozen,
        operation=operation,
        owners=list(index),
        fields=positions,
        columns=[column for field in members for column in columns[field.name]],
        vocabulary_sizes=[owner.vocabulary_size for owner in owners],
        buckets=[owner.buckets for owner in owners],
        tables=[index[f.table or f.name] for f in members for _ in range(f.length)],
    )


def consecutive_runs(positions: Sequence[int]) -> list[int]:
    """Lengths of the maximal runs of consecutive integers: `[3, 4, 7]` gives `[2, 1]`."""
    breaks = [i for i in range(1, len(positions)) if positions[i] != positions[i - 1] + 1]
    edges: list[Any] = [0, *breaks, len(positions)]
    return [end - start for start, end in zip(edges, edges[1:], strict=False)]
