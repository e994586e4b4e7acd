import numpy as np
import polars as pl
import pytest
from scipy.stats import chi2

from ctrmoe.ranking.heterogeneity import heterogeneity, pooled


def effects(task, feature, values, stds):
    return pl.DataFrame(
        {
            "task": task,
            "domain": [f"d{i}" for i in range(len(values))],
            "feature": feature,
            "effect": values,
            "effect_std": stds,
        },
        schema_overrides={"effect": pl.Float64, "effect_std": pl.Float64},
    )


def test_pooled_effects_follow_the_formulas():
    found = pooled(np.array([1.0, 3.0]), np.array([1.0, 0.5]))

    mean = (1 * 1 + 4 * 3) / 5
    q = (1 - mean) ** 2 + 4 * (3 - mean) ** 2
    assert found.effect == pytest.approx(mean)
    assert found.effect_std == pytest.approx(5**-0.5)
    assert found.q_statistic == pytest.approx(q)
    assert found.p_value == pytest.approx(chi2.sf(q, 1))
    assert found.spread**2 == pytest.approx((q - 1) / (5 - 17 / 5))


def test_pooled_effects_that_are_the_same_and_that_are_not():
    random = np.random.default_rng(5)
    stds = np.array([0.1, 0.2, 0.3, 0.2])
    same = [pooled(random.normal(2.0, stds), stds) for _ in range(1_000)]
    centres = random.normal(2.0, 0.5, (1_000, 4))
    others = [pooled(random.normal(centre, stds), stds) for centre in centres]

    assert np.mean([found.p_value < 0.05 for found in same]) == pytest.approx(0.05, abs=0.02)
    assert np.mean([found.spread**2 for found in others]) == pytest.approx(0.25, rel=0.1)


def test_features_that_differ_come_first():
    by_part = pl.concat(
        [
            effects("click", "steady", [0.2, 0.21, 0.19], [0.01] * 3),
            effects("click", "wide", [0.1, 0.5, 0.3], [0.01] * 3),
            effects("click", "narrow", [0.1, 0.2, 0.1], [0.01] * 3),
            effects("click", "unknown", [0.1, None, 0.1], [0.0, None, 0.1]),
            effects("buy", "steady", [0.2, 0.9], [0.01] * 2),
        ]
    )

    found = heterogeneity(by_part, "domain", 0.05)

    click = found.filter(task="click")
    assert click["feature"].to_list() == ["wide", "narrow", "steady", "unknown"]
    assert click["differs"].to_list() == [True, True, False, False]
    assert click["domains"].to_list() == [3, 3, 3, 1]
    assert click.row(0, named=True)["lowest_domain"] == "d0"
    assert click.row(0, named=True)["highest_effect"] == 0.5
    assert click["q_statistic"][3] is None
    assert click["q_value"][2] == pytest.approx(click["p_value"][2])
    assert found.filter(task="buy")["differs"].to_list() == [True]
