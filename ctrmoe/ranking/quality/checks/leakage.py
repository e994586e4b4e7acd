"""Features that nearly are the label."""

from __future__ import annotations

from collections.abc import Iterator

from ctrmoe.ranking.quality.auc import feature_auc
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.tables import Tables

NAME = "leakage"
MIN_CLASS_ROWS = 20


def find(tables: Tables) -> Iterator[Finding]:
    """Compares the AUC of each single feature for each task; an inverse copy counts as a copy."""
    for task in tables.schema.tasks:
        labels = tables.data.labels[task.name]
        if min(labels.positives, labels.negatives) < MIN_CLASS_ROWS:
            continue
        for feature in tables.schema.inputs:
            limit = tables.limit(NAME, feature.name)
            area = feature_auc(tables.data.columns[feature.name], task.name)
            if area is not None and area > limit:
                yield Finding(
                    check=NAME,
                    severity="error",
                    column=feature.name,
                    value=area,
                    limit=limit,
                    message=f"No single feature may tell the label `{task.label}` by an AUC above "
                    f"{limit:g}. Received: {area:.4f} by `{feature.name}` in {tables.data.name}. "
                    "Leave it out unless it is known before the label is, or raise `leakage`.",
                )
