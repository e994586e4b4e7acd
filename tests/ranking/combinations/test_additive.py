import numpy as np
import pytest
import references

from ctrmoe.ranking.combinations.additive import additive_rates, synergy
from ctrmoe.ranking.combinations.codes import JointIndex
from ctrmoe.ranking.combinations.joint_counts import JointCounts


def counted(codes, names):
    index = JointIndex(codes, names)
    counts = JointCounts.of_rows(index, codes.labels)
    return counts, index.members(counts.places)


def test_rates_are_those_of_the_regression(codes_of):
    random = np.random.default_rng(6)
    a, b = random.integers(0, 3, 400), random.integers(0, 4, 400)
    b[a == 0] = 0  # so that the effects do not come apart at once
    b[:20] = 1
    labels = random.random(400) < 0.2 + 0.1 * a + 0.1 * b
    counts, members = counted(codes_of(labels, a=a, b=b), ["a", "b"])

    rates = additive_rates(counts, members)

    plain = [member.tolist() for member in members]
    expected = references.additive_rates(plain, counts.sizes.tolist(), counts.positives.tolist())
    np.testing.assert_allclose(rates, expected, atol=0.02)


def test_parity_is_all_synergy(codes_of, parity):
    a, b, labels = parity()
    found = synergy(*counted(codes_of(labels, a=a, b=b), ["a", "b"]))

    kept = 0.9 * np.log(0.9) + 0.1 * np.log(0.1) + np.log(2)
    assert found.value == pytest.approx(kept, abs=3 * found.std)
    assert found.p_value < 1e-100


@pytest.mark.parametrize("values", [3, 40, 400])
def test_effects_that_add_up_have_none(codes_of, values):
    p_values = []
    for seed in range(8):
        random = np.random.default_rng([seed, values])
        a, b = random.integers(0, values, (2, 6_000))
        logit = random.normal(0, 1, values)[a] + random.normal(0, 1, values)[b]
        labels = random.random(6_000) < 1 / (1 + np.exp(1 - logit))
        found = synergy(*counted(codes_of(labels, a=a, b=b), ["a", "b"]))
        p_values.append(found.p_value)

    assert min(p_values) > 0.05 / 8
    assert np.mean(p_values) > 0.3


def test_copy_of_a_feature_adds_none(codes_of):
    random = np.random.default_rng(7)
    a = random.integers(0, 30, 6_000)
    copy = np.where(random.random(6_000) < 0.9, a, random.integers(0, 30, 6_000))
    labels = random.random(6_000) < 0.02 * a + 0.1

    found = synergy(*counted(codes_of(labels, a=a, b=copy), ["a", "b"]))

    assert found.p_value > 0.05
    assert abs(found.value) < 3 * found.std


def test_places_seen_once_say_nothing(codes_of):
    codes = codes_of([0, 1, 0, 1], a=[0, 1, 2, 3], b=[0, 0, 1, 1])

    assert synergy(*counted(codes, ["a", "b"])) == (0.0, 0.0, 1.0)
