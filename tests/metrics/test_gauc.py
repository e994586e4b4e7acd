"""GAUC against a loop over the groups."""

import numpy as np
import polars as pl
import pytest
import references
from hypothesis import given
from hypothesis import strategies as st

from ctrmoe.metrics import auc, gauc

ROWS = st.lists(
    st.tuples(st.booleans(), st.sampled_from([-2.0, -0.0, 0.0, 1.5, np.inf]), st.integers(0, 4)),
    max_size=40,
)


@given(ROWS)
def test_gauc_of_any_rows_equals_the_loop(rows):
    labels, scores, groups = ([row[i] for row in rows] for i in range(3))

    value, used, ignored = gauc(labels, np.array(scores, np.float32), groups)

    expected = references.gauc(labels, scores, groups)
    assert (used, ignored) == expected[1:]
    assert value == (None if expected[0] is None else pytest.approx(expected[0], abs=1e-12))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("decimals", [0, 3])
def test_gauc_with_and_without_ties_equals_the_loop(dtype, decimals):
    rng = np.random.default_rng(1)
    groups = rng.zipf(1.5, 1_500) % 200
    labels = rng.random(groups.size) < 0.2
    scores = (rng.normal(size=groups.size) + labels).round(decimals).astype(dtype)

    found = gauc(labels, scores, groups)

    value, used, ignored = references.gauc(labels, scores, groups)
    assert found == (pytest.approx(value, abs=1e-12), used, ignored)
    assert ignored > 0


def test_gauc_weighs_groups_by_their_rows():
    labels = [0, 1, 1, 0, 1, 0, 0, 1]
    scores = [0.0, 1.0, 0.0, 1.0, 0.5, 0.4, 0.6, 0.7]
    groups = ["a", "a", "b", "b", "c", "c", "c", "c"]

    assert gauc(labels, scores, groups).value == (2 * 1.0 + 2 * 0.0 + 4 * 0.75) / 8


def test_gauc_of_one_group_is_the_auc():
    rng = np.random.default_rng(2)
    labels, scores = rng.random(500) < 0.3, rng.normal(size=500).astype(np.float32)

    assert gauc(labels, scores, np.zeros(500)) == (auc(labels, scores), 1, 0)


GROUPS = [3, 3, 7, 7, None, None, 9]


@pytest.mark.parametrize(
    "groups",
    [
        GROUPS,
        pl.Series(GROUPS),
        pl.Series(GROUPS).cast(pl.Int8) * 14 - 126,
        pl.Series(GROUPS).cast(pl.UInt64) + (2**64 - 20),
        pl.Series(GROUPS) * 2**40,
        pl.Series(GROUPS).cast(pl.Float64),
        pl.Series(GROUPS).cast(pl.String),
        pl.Series(GROUPS).cast(pl.String).cast(pl.Categorical),
        pl.Series(GROUPS).cast(pl.Date),
        np.array([g if g is None else str(g).encode() for g in GROUPS], dtype=object),
        np.array([np.nan if g is None else g for g in GROUPS]),
    ],
    ids=lambda groups: str(getattr(groups, "dtype", "list")),
)
def test_gauc_of_groups_of_any_type_leaves_missing_ones_out(groups):
    labels = [0, 1, 0, 1, 0, 1, 1]
    scores = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]

    assert gauc(labels, scores, groups) == (0.5, 2, 1)


@pytest.mark.parametrize(
    ("labels", "groups", "ignored"),
    [
        ([], [], 0),
        ([0, 1], [None, None], 0),
        ([0, 1, 0], ["a", "b", "c"], 3),
        ([1, 1, 0], [1, 1, 2], 2),
    ],
    ids=["empty", "no group", "single rows", "one class each"],
)
def test_gauc_without_a_usable_group_is_none(labels, groups, ignored):
    assert gauc(labels, np.zeros(len(labels)), groups) == (None, 0, ignored)


def test_gauc_with_groups_of_another_length_raises():
    with pytest.raises(ValueError, match=r"len\(labels\)=2, len\(groups\)=3"):
        gauc([0, 1], [0.0, 1.0], [1, 2, 3])


@pytest.mark.parametrize("groups", [np.zeros((2, 2)), "ab", 3])
def test_gauc_with_groups_that_are_no_column_raises(groups):
    with pytest.raises(TypeError, match="`groups` must be one-dimensional and of plain values"):
        gauc([0, 1], [0.0, 1.0], groups)
