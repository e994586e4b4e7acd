import numpy as np
import pytest
import references

from ctrmoe.ranking.combinations.conditional import Conditional, Strata
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

    assert score.strata == Strata(50, True, 0.0, 1.0)
    assert score(("g", "x")) == (0.0, 0.0, 1.0)


def sparse(seed, rows=6_000):
    """A strong feature of 2,000 values, copies of it, one that adds to it, and noise."""
    random = np.random.default_rng(seed)
    g = (random.pareto(1.0, rows) * 300).astype(int) % 2_000
    effect = random.normal(size=2_000)
    x, noise = random.integers(0, 4, rows), random.integers(0, 50, rows)
    logit = 1.5 * effect[g] + 0.3 * (x - 1.5) - 1
    labels = random.random(rows) < 1 / (1 + np.exp(-logit))
    copy = np.where(random.random(rows) < 0.95, g, random.integers(0, 2_000, rows))
    group = np.digitize(effect, [-1, 0, 1])[g]
    return labels, {"g": g, "x": x, "noise": noise, "copy": copy, "group": group}


def test_rare_combinations_share_strata(codes_of):
    labels, columns = sparse(1)

    score = Conditional(codes_of(labels, **columns), ["g"], 60)

    assert 30 < score.strata.number <= 60
    assert not score.strata.are_exact
    assert 0 < score.strata.loss < 1e-3
    assert Conditional(codes_of(labels, **columns), ["g"], 5_000).strata.are_exact
    shuffled = np.random.default_rng(2).permutation(len(labels))
    moved = {name: column[shuffled] for name, column in columns.items()}
    again = Conditional(codes_of(labels[shuffled], **moved), ["g"], 60)
    assert again.strata == score.strata
    assert again(("g", "x")) == pytest.approx(score(("g", "x")))


def test_what_the_given_tell_beyond_their_strata_is_taken_off(codes_of):
    random = np.random.default_rng(3)
    g, x = random.integers(0, 40, 2_000), random.integers(0, 3, 2_000)
    labels = (random.random(2_000) < 0.1 + 0.01 * g + 0.1 * x).astype(int)
    codes, none = codes_of(labels, g=g, x=x), np.zeros(2_000, int)

    score = Conditional(codes, ["g"], 1)

    assert score.strata.number == 1
    beyond = references.conditional_information(g.tolist(), labels.tolist(), none.tolist())
    assert score.strata.loss == pytest.approx(beyond)
    alone = Conditional(codes, [])(("x",)).value
    assert score(("g", "x")).value == pytest.approx(alone - beyond)


def test_shared_strata_show_what_is_new_and_nothing_that_the_given_tell(codes_of):
    p_values = {name: [] for name in ("x", "noise", "copy", "group")}
    for seed in range(20):
        labels, columns = sparse([seed, 5])
        score = Conditional(codes_of(labels, **columns), ["g"], 60)
        for name, found in p_values.items():
            found.append(score(("g", name)).p_value)

    below = {name: np.mean(np.array(found) < 0.05) for name, found in p_values.items()}
    assert below["x"] > 0.9
    assert below["noise"] <= 0.15
    assert below["copy"] == below["group"] == 0
