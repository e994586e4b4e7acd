import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.quality.counts import FIRST
from ctrmoe.ranking.quality.label_counts import LabelCounts, mask_name, masks
from ctrmoe.schema import Schema


@pytest.mark.parametrize(
    "raw",
    [[1, 0, None, 2, 0], [1.0, 0.0, float("nan"), 0.5, 0.0], ["1", "0 ", "", "yes", "0.0"]],
)
def test_labels_are_counted(raw):
    counts = LabelCounts()

    classes = counts.update(pl.Series("y", raw), first=10)

    assert classes.tolist() == [1, 0, -1, -1, 0]
    assert (counts.positives, counts.negatives, counts.missing, counts.wrong) == (1, 2, 1, 1)
    assert counts.wrong_row == 13
    assert counts.wrong_value == repr(raw[3])
    assert counts.rate == pytest.approx(1 / 3)


def test_booleans_are_labels():
    assert LabelCounts().update(pl.Series([True, False, None]), 0).tolist() == [1, 0, -1]


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical])
def test_texts_are_labels_as_preparation_reads_them(dtype):
    counts = LabelCounts()
    raw = pl.Series(["true", "False ", "TRUE", ""], dtype=dtype)

    assert counts.update(raw, 0).tolist() == [1, 0, -1, -1]
    assert (counts.wrong_value, counts.missing) == ("'TRUE'", 1)


def test_merged_counts_are_those_of_the_whole():
    raw = pl.Series([1, 0, 3, None, 1, 7])
    whole, parts = LabelCounts(), [LabelCounts(), LabelCounts(), LabelCounts()]
    whole.update(raw, 0)
    for part, start in zip(parts, (4, 0, 2), strict=True):
        part.update(raw[start : start + 2], start)

    parts[0].merge(parts[1])
    parts[0].merge(parts[2])

    assert parts[0] == whole
    assert LabelCounts().rate is None


def test_masks_divide_the_labelled_rows():
    schema = Schema.from_dict(
        {"name": "t", "tasks": [{"name": "y"}], "features": [{"name": "x", "kind": "numeric"}]}
    )
    labels = np.tile(np.array([0, 1, -1], np.int8), 400)

    whole = masks(schema, {"y": labels}, 0, 1_200)

    names = [mask_name("y", label, fold) for label in (0, 1) for fold in (0, 1)]
    assert whole.columns == [FIRST, *names]
    assert whole.select(pl.sum_horizontal(names))[:, 0].to_list() == (labels >= 0).tolist()
    sums = whole.select(pl.col(names).cast(pl.Int64).sum()).row(0)
    assert all(150 < count < 250 for count in sums)
    assert masks(schema, {"y": labels[500:]}, 500, 700).equals(whole[500:])
