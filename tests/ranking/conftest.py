import numpy as np
import pytest

from ctrmoe.ranking.contingency_table import ContingencyTable
from ctrmoe.ranking.keys import Keys
from ctrmoe.ranking.scores import SCORES


@pytest.fixture(scope="session")
def counted():
    """Builds the table of a feature's keys by row, the halves taken in turn."""

    def build(keys, labels, kind="category", **options):
        keys = keys if isinstance(keys, Keys) else Keys(np.asarray(keys, np.int64))
        labels = np.asarray(labels, np.int8)
        table = ContingencyTable(kind, ordered=True, **options)
        table.add(keys, labels, np.arange(len(labels)) % 2)
        return table

    return build


@pytest.fixture(scope="session")
def row():
    """Builds what a ranking is made of: a feature with a score and its p-value."""

    def build(feature, value, p_value, task="click", name="corrected_mi", is_control=False):
        figures = {f"{score}{s}": 0.5 for score in SCORES for s in ("", "_std", "_p_value")}
        return {
            "task": task,
            "feature": feature,
            "is_control": is_control,
            "kind": "categorical",
            "rows": 10,
            "cardinality": 3,
            "cardinality_is_exact": True,
            "coverage": 1.0,
            **figures,
            name: value,
            f"{name}_p_value": p_value,
        }

    return build
