import numpy as np
import polars as pl
import pytest
from pages import Page

from ctrmoe.ranking import rank_tables
from ctrmoe.ranking.sections.time_slices import time_slices_section
from ctrmoe.schema import Schema

NAMES = ("steady", "fading", "other")
SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "timestamp": "time",
        "tasks": [{"name": "click"}],
        "features": [{"name": n, "kind": "categorical"} for n in NAMES],
    }
)
START = 1_700_000_000  # 2023-11-14 22:13:20 UTC


@pytest.fixture(scope="module")
def tables():
    random, rows = np.random.default_rng(4), 12_000
    steady, fading, other = (random.integers(0, 2, rows) for _ in NAMES)
    later = np.arange(rows) / rows
    rate = 0.1 + 0.2 * steady + 0.1 * other + 0.4 * fading * (1 - later)
    table = pl.DataFrame(
        {
            "steady": steady,
            "fading": fading,
            "other": other,
            "time": START + np.arange(rows) * 60,
            "click": (random.random(rows) < rate).astype(int),
        }
    )
    return rank_tables(SCHEMA, table, time_slices=3)


def section(tables):
    return time_slices_section(tables["by_time"], tables["stability"])


def test_feature_that_fades_is_the_first_and_slices_are_dated(tables):
    effects, _ = section(tables).drawings

    page = Page(effects.markup)
    differ = tables["stability"]["differs"].sum()
    assert effects.title == f"click: {differ} of 3 features differ between slices"
    assert differ >= 1
    assert page.all("li")[0]["title"] == "fading"
    told = [float(t.rsplit(": ", 1)[1]) for t in page.titles if t.startswith("fading, ")]
    assert told == sorted(told, reverse=True)
    assert "0: 2023-11-14 22:13" in page.texts


def test_agreement_is_that_of_the_table(tables):
    _, agreement = section(tables).drawings

    tau = tables["by_time"].unique("slice", maintain_order=True)["kendall"].drop_nulls()
    page = Page(agreement.markup)
    assert len(page.all("circle")) == len(tau) == 2
    told = [t.split(" (")[0].rsplit(": ", 1)[1] for t in page.titles[1:]]
    assert [float(value) for value in told] == pytest.approx(tau.to_list(), abs=6e-4)


def test_slices_and_features_are_listed(tables):
    found = section(tables)

    assert found.excerpts["click: slices"].columns[:3] == ["slice", "first_time", "last_time"]
    assert found.excerpts["click: slices"].height == 3
    assert found.excerpts["Features that differ"].height == 3
    assert list(found.tables) == ["by_time", "stability"]


def test_times_that_are_no_seconds_are_numbers(tables):
    by_time = tables["by_time"].with_columns(pl.col("first_time") - START)

    effects, _ = time_slices_section(by_time, tables["stability"]).drawings

    assert "0: 0" in Page(effects.markup).texts
