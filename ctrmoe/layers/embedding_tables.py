"""The matrices of the fields' tables."""

from __future__ import annotations

from typing import Any

from ctrmoe.layers.composed_table import ComposedTable
from ctrmoe.layers.field_layout import TableGroup
from ctrmoe.layers.fused_table import FusedTable


def create_table(group: TableGroup, initializer: Any, dtype: Any) -> FusedTable | ComposedTable:
    """Creates the layer that reads the tables of a group.

    Args:
        group: The tables.
        initializer: Of the matrix.
        dtype: The dtype policy.
    """
    options: dict[str, Any] = {
        "initializer": initializer,
        "dtype": dtype,
        "trainable": group.trainable,
        "name": group.name,
    }
    sizes, tables, dim = group.vocabulary_sizes, group.tables, group.dim
    if not group.operation:
        return FusedTable(sizes, tables, dim, **options)
    options["operation"] = group.operation
    return ComposedTable(sizes, group.buckets, tables, dim, **options)
