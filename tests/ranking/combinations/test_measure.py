import numpy as np
import pytest

from ctrmoe.ranking.combinations.measure import Measure


def test_parity_is_seen_together_only(codes_of, parity):
    a, b, labels = parity()
    measure = Measure(codes_of(labels, missing=("b",), a=a, b=b))

    found = measure(("a", "b"))

    assert found["score"] == pytest.approx(0.368, abs=0.03)
    assert found["synergy"] == pytest.approx(found["score"], abs=0.01)
    assert found["p_value"] < 1e-100
    assert found["synergy_p_value"] < 1e-100
    assert found["cardinality"] == 16
    assert found["coverage"] == pytest.approx(np.mean(b != 3))
    assert found["rows"] == 4_000


def test_what_one_part_explains_is_no_synergy(codes_of):
    random = np.random.default_rng(8)
    a, noise = random.integers(0, 5, 5_000), random.integers(0, 800, 5_000)
    labels = random.random(5_000) < 0.1 + 0.15 * a

    found = Measure(codes_of(labels, a=a, noise=noise))(("a", "noise"))

    assert found["p_value"] < 1e-12
    assert found["synergy_p_value"] > 0.05
    assert found["synergy"] < 2 * found["synergy_std"]


def test_three_parts_whose_parity_matters(codes_of):
    random = np.random.default_rng(9)
    a, b, c = random.integers(0, 2, (3, 3_000))
    labels = (a + b + c) % 2 ^ (random.random(3_000) < 0.2)
    measure = Measure(codes_of(labels, a=a, b=b, c=c))

    assert measure(("a", "b", "c"))["synergy_p_value"] < 1e-50
    assert measure(("a", "b"))["synergy_p_value"] > 0.01


@pytest.mark.parametrize("values", [(2, 2), (7, 300), (40, 40), (900, 2_500)])
def test_noise_of_any_cardinality_has_no_small_p_values(codes_of, values):
    scores, synergies = [], []
    for seed in range(40):
        random = np.random.default_rng([seed, *values])
        a, b = (random.zipf(1.3, 3_000) % count for count in values)
        measure = Measure(codes_of(random.random(3_000) < 0.2, a=a, b=b))
        found = measure(("a", "b"))
        scores.append(found["p_value"])
        synergies.append(found["synergy_p_value"])

    for p_values in (scores, synergies):
        assert np.mean(np.array(p_values) < 0.05) < 0.15
        assert min(p_values) > 0.05 / 40 / 5
