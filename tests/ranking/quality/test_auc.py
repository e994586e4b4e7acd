import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from ctrmoe.ranking.quality.auc import encoded_auc, feature_auc, ordered_auc
from ctrmoe.ranking.quality.column import Column
from ctrmoe.ranking.quality.column_profile import ColumnProfile
from ctrmoe.ranking.quality.label_counts import masks
from ctrmoe.schema import Schema

SCHEMA = Schema.from_dict(
    {"name": "t", "tasks": [{"name": "y"}], "features": [{"name": "x", "kind": "numeric"}]}
)
random = np.random.default_rng(6)
Y = random.integers(0, 2, 4_000)


def auc(values, kind="number", labels=Y, max_keys=1 << 16):
    column = Column("x", kind)
    profile = ColumnProfile(column, max_keys)
    classes = masks(SCHEMA, {"y": labels}, 0, len(labels))
    profile.update(column.read(pl.Series(values)), classes, 0)
    return feature_auc(profile, "y")


def test_ordered_auc_is_that_of_scikit_learn():
    values = np.round(random.normal(size=4_000) + Y, 1)

    assert auc(values) == pytest.approx(roc_auc_score(Y, values), abs=1e-12)
    assert auc(-values) == pytest.approx(auc(values), abs=1e-12)


def test_binned_numbers_have_nearly_the_same_auc():
    values = random.normal(size=4_000) + Y

    assert auc(values, max_keys=512) == pytest.approx(auc(values), abs=0.01)


def test_encoded_auc_of_two_values_by_hand():
    # Fold 1 says that the first value has the higher rate: 3 of 4 against 1 of 4.
    positives, negatives = np.array([[2, 1], [3, 1]]), np.array([[1, 4], [1, 3]])

    # Fold 0: (2 of 3) × (4 of 5), and half of the ties; fold 1: 3/4 × 3/4, and half of the ties.
    first = (2 / 3) * (4 / 5) + ((2 / 3) * (1 / 5) + (1 / 3) * (4 / 5)) / 2
    second = (3 / 4) ** 2 + (2 * (3 / 4) * (1 / 4)) / 2
    assert encoded_auc(positives, negatives) == pytest.approx((first + second) / 2)


def test_unique_id_is_no_leak():
    assert auc([f"id{i}" for i in range(4_000)], "value") == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("cardinality", [2, 50, 1_000])
def test_category_of_chance_is_no_leak(cardinality):
    assert auc(random.integers(0, cardinality, 4_000), "value") == pytest.approx(0.5, abs=0.05)


def test_category_that_is_the_label_has_one():
    assert auc(np.where(Y == 1, "no", "yes"), "value") == 1.0


def test_auc_without_both_classes_is_none():
    assert ordered_auc(np.array([1, 2]), np.array([0, 0])) is None
    assert auc(random.normal(size=4_000), labels=np.full(4_000, -1)) in (None, 0.0)
