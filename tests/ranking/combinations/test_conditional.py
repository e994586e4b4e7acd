import numpy as np
import pytest
import references

from ctrmoe.ranking.combinations.conditional import Conditional
from ctrmoe.ranking.combinations.strata_null import strata_moments


def test_score_is_conditional_information_less_chance(codes_of):
    random = np.random.default_rng(1)
    g, x = random.integers(0, 3, 300), random.integers(0, 4, 300)
    labels = (random.random(300) < 0.2 + 0.15 * x).astype(int)

    found = Conditional(codes_of(labels, g=g, x=x), ["g"])(("g", "x"))

    expected = references.conditional_information(x.tolist(), labels.tolist(), g.tolist())
    cells, sizes = np.unique(g * 4 + x, return_counts=True)
    null = strata_moments(sizes, cells // 4, np.bincount(g), np.bincount(g[labels > 0]))
    assert found.value == pytest.approx(expected - null.mean / 300)
    assert found.p_value < 1e-4


def test_other_half_of_a_parity_tells_all_that_is_left(codes_of, parity):
    a, b, labels = parity()
    codes = codes_of(labels, a=a, b=b)

    assert Conditional(codes, [])(("b",)).p_value > 0.05
    assert Conditional(codes, ["a"])(("a", "b")).value == pytest.approx(0.368, abs=0.03)


@pytest.mark.parametrize("values", [3, 60, 700])
def test_noise_and_copies_add_nothing_to_a_strong_feature(codes_of, values):
    p_values = {"noise": [], "copy": []}
    for seed in range(30):
        random = np.random.default_rng([seed, values])
        g = random.integers(0, 40, 3_000)
        copy = np.where(random.random(3_000) < 0.9, g, random.integers(0, 40, 3_000))
        labels = random.random(3_000) < 0.02 * g + 0.05
        columns = {"g": g, "copy": copy, "noise": random.zipf(1.3, 3_000) % values}
        score = Conditional(codes_of(labels, **columns), ["g"])
        for name, found in p_values.items():
            found.append(score(("g", name)).p_value)

    for found in p_values.values():
        assert np.mean(np.array(found) < 0.05) < 0.2
        assert min(found) > 0.05 / 30 / 5


def test_strata_of_single_rows_leave_nothing_to_tell(codes_of):
    labels = np.arange(50) % 2
    score = Conditional(codes_of(labels, g=np.arange(50), x=labels), ["g"])

    assert score.strata == 50
    assert score(("g", "x")) == (0.0, 0.0, 1.0)
