import numpy as np
import polars as pl
import pytest
from scipy.stats import kstest

from ctrmoe.ranking.controls import (
    CONTROLS,
    FLIPPED,
    LABELS,
    MAX_PERMUTED_ROWS,
    check_names,
    permuted_label,
)
from ctrmoe.ranking.keys import number_of
from ctrmoe.ranking.ranker import Ranker
from ctrmoe.schema import Schema, SchemaError

ROWS = 20_000


def control(name):
    return next(c for c in CONTROLS if c.feature.name == f"control:{name}")


def keys(name, rows=None, seed=0, labels=None):
    rows = np.arange(ROWS) if rows is None else rows
    labels = np.zeros(len(rows), np.int8) if labels is None else labels
    return control(name).keys(rows, labels, seed).values


def schema(*names):
    return Schema.from_dict(
        {
            "name": "shop",
            "tasks": [{"name": "click"}],
            "features": [{"name": name, "kind": "categorical"} for name in names],
        }
    )


@pytest.mark.parametrize("name", [c.feature.name.removeprefix("control:") for c in CONTROLS])
def test_values_go_by_the_number_of_the_row(name):
    whole = keys(name)

    assert np.array_equal(whole[700:900], keys(name, np.arange(700, 900)))
    if name not in ("constant", "label"):
        assert (whole != keys(name, seed=1, labels=np.zeros(ROWS, np.int8))).mean() > 0.4


@pytest.mark.parametrize("count", [2, 10, 100, 2_000])
def test_noise_has_its_values_about_equally_often(count):
    counts = np.bincount(keys(f"noise_{count}"), minlength=count)

    expected = ROWS / count
    assert len(counts) == count
    # Chi-squared less its mean, in standard deviations.
    assert abs((np.square(counts - expected) / expected).sum() - count) < 5 * np.sqrt(2 * count)


def test_numbers_have_their_distributions():
    gaussian, uniform = number_of(keys("gaussian")), number_of(keys("uniform"))

    assert kstest(gaussian, "norm").pvalue > 0.001
    assert kstest(uniform, "uniform").pvalue > 0.001
    assert abs(np.corrcoef(gaussian, uniform)[0, 1]) < 0.03


def test_unique_and_constant():
    assert len(np.unique(keys("unique"))) == ROWS
    assert len(np.unique(keys("constant"))) == 1


def test_labels_are_copied_and_flipped():
    labels = np.arange(ROWS, dtype=np.int8) % 2

    assert np.array_equal(keys("label", labels=labels), labels)
    flipped = (keys("noisy_label", labels=labels) != labels).mean()
    assert flipped == pytest.approx(FLIPPED, abs=0.02)


def test_permuted_label_is_drawn_with_the_margins_of_the_label():
    rows = np.array([[3_000, 1_000], [2_900, 1_100]])

    tables = [permuted_label(rows, seed) for seed in range(300)]

    assert all(np.array_equal(table.rows, rows) for table in tables)
    assert all(table.counts[1].sum() == 2_100 for table in tables)
    both = np.array([table.label_counts[1, 1] for table in tables])
    share = 2_100 / 8_000
    assert both.mean() == pytest.approx(2_100 * share, abs=5)
    assert both.std() == pytest.approx(np.sqrt(2_100 * share * (1 - share) ** 2), rel=0.15)


def test_permuted_label_of_too_many_rows_is_left_out():
    assert permuted_label(np.full((2, 2), MAX_PERMUTED_ROWS // 4), 0) is None


def test_feature_with_the_name_of_a_control():
    with pytest.raises(SchemaError, match="`control:label` must not be called like a control"):
        check_names(schema("shop", "control:label"), CONTROLS)


def ranking(controls, chunk=ROWS):
    random = np.random.default_rng(4)
    shop = random.integers(0, 5, ROWS)
    frame = pl.DataFrame(
        {
            "shop": shop,
            "noise": random.integers(0, 900, ROWS),
            "click": (random.random(ROWS) < 0.1 + 0.02 * shop).astype(int),
        }
    )
    ranker = Ranker(schema("shop", "noise"), controls=controls, threads=2)
    for start in range(0, ROWS, chunk):
        ranker.add(frame[start : start + chunk], first_row=start)
    return ranker.result()


def test_controls_lie_where_they_belong_and_change_nothing_about_the_features():
    with_controls, alone = ranking(True), ranking(False)

    found = with_controls.filter("is_control")
    assert found.height == len(CONTROLS) + 1
    assert set(found.filter("above_noise")["feature"]) == set(LABELS)
    assert with_controls["feature"][:3].to_list() == [
        "control:label",
        "control:noisy_label",
        "shop",
    ]
    features = with_controls.filter(~pl.col("is_control"))
    assert features.drop("rank").equals(alone.drop("rank"))


def test_controls_are_the_same_whatever_the_chunks():
    assert ranking(True, 333).equals(ranking(True))
