from pathlib import Path

import numpy as np
import pytest

import ctrmoe.ranking.scores as scores
from ctrmoe.ranking.keys import MISSING_KEY, Keys


def test_names_are_those_of_the_files():
    files = {path.stem for path in Path(scores.__file__).parent.glob("*.py")}

    assert set(scores.SCORES) == files - {"__init__", "base"}
    assert list(scores.SCORES) == sorted(scores.SCORES)


@pytest.mark.parametrize("name", scores.SCORES)
def test_noise_of_any_cardinality_is_rarely_significant(name, counted):
    random, score = np.random.default_rng(12), scores.SCORES[name]()
    labels = (random.random(4_000) < 0.2).astype(int)
    p_values = [
        score(counted(random.integers(0, cardinality, 4_000), labels)).p_value
        for cardinality in (2, 7, 60, 900, 4_000, 10**9)
        for _ in range(20)
    ]

    # 120 features of noise; more than 14 below 0.05 happen once in a thousand times.
    assert np.mean(np.array(p_values) < 0.05) <= 14 / 120
    assert min(p_values) > 1e-5


@pytest.mark.parametrize("name", scores.SCORES)
def test_strong_signal_is_significant(name, counted):
    random = np.random.default_rng(13)
    keys = random.integers(0, 2, 3_000)
    labels = (random.random(3_000) < 0.1 + 0.6 * keys).astype(int)

    value, std, p_value = scores.SCORES[name]()(counted(keys, labels))

    assert p_value < 1e-20
    assert 0 < std < abs(value - scores.SCORES[name].chance)


@pytest.mark.parametrize("name", scores.SCORES)
@pytest.mark.parametrize("keys", [[5] * 40, [MISSING_KEY] * 40], ids=["constant", "nulls"])
def test_feature_of_one_value_tells_nothing(name, keys, counted):
    value, _, p_value = scores.SCORES[name]()(counted(keys, [0, 0, 1, 1] * 10))

    assert p_value > 0.4
    if name != "max_value_coverage":
        assert value == pytest.approx(scores.SCORES[name].chance)


@pytest.mark.parametrize("name", scores.SCORES)
def test_list_has_a_score_or_none(name, counted):
    random = np.random.default_rng(14)
    rows = np.repeat(np.arange(2_000), 3)
    keys = np.stack([random.integers(10 * i, 10 * i + 10, 2_000) for i in range(3)], axis=1)
    labels = random.random(2_000) < 0.1 + 0.05 * keys[:, 0]

    found = scores.SCORES[name]()(counted(Keys(keys.ravel(), rows), labels, kind="list"))

    assert np.isnan(found.value) == (name in ("ami", "auc", "pearson", "spearman"))
    if name in ("mi", "corrected_mi"):
        assert found.p_value < 1e-6
