import numpy as np
import pytest

from ctrmoe.ranking.scores import corrected_mi
from ctrmoe.ranking.scores.corrected_mi import CorrectedMI


def test_noise_is_unbiased_whatever_its_cardinality(counted):
    random = np.random.default_rng(21)
    for cardinality in (2, 50, 1_000, 10_000, 10**8):
        found = [
            CorrectedMI()(
                counted(random.integers(0, cardinality, 8_000), random.random(8_000) < 0.1)
            ).value
            for _ in range(30)
        ]

        assert abs(np.mean(found)) <= 4 * np.std(found) / 30**0.5 + 1e-12


def test_draws_agree_with_the_exact_null(counted):
    random = np.random.default_rng(22)
    keys = random.zipf(1.4, 3_000) % 800
    labels = (random.random(3_000) < np.where(keys % 2, 0.35, 0.15)).astype(int)
    table = counted(keys, labels)

    exact, drawn = CorrectedMI()(table), CorrectedMI(repeats=200, seed=1)(table)

    assert drawn.value == pytest.approx(exact.value, abs=5e-4)
    assert drawn.p_value == pytest.approx(1 / 201)
    assert drawn == CorrectedMI(repeats=200, seed=1)(table)


def test_analytic_null_of_frequent_values_is_the_exact_one(counted):
    random = np.random.default_rng(23)
    table = counted(random.integers(0, 12, 20_000), random.integers(0, 2, 20_000))

    exact, analytic = CorrectedMI()(table), CorrectedMI("analytic")(table)

    assert analytic.value == pytest.approx(exact.value, abs=1e-6)
    assert analytic.p_value == pytest.approx(exact.p_value, abs=0.01)


def test_values_seen_once_are_one_value(counted):
    labels = np.arange(600) % 3 == 0
    ids = np.arange(600) + 100

    assert CorrectedMI()(counted(ids, labels)) == pytest.approx((0, 0, 1))
    mixed = np.where(np.arange(600) < 300, 5, ids)
    pooled = np.where(np.arange(600) < 300, 5, 6)
    assert CorrectedMI()(counted(mixed, labels)) == CorrectedMI()(counted(pooled, labels))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"null": "shuffle"}, r"`null` must be one of .*Received: 'shuffle'"),
        ({"repeats": 1}, "`repeats` must be 0, or at least 2. Received: repeats=1."),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        CorrectedMI(**options)


def test_too_many_rows_to_draw(counted, monkeypatch):
    monkeypatch.setattr(corrected_mi, "MAX_DRAWN_ROWS", 4)

    with pytest.raises(ValueError, match="`repeats` must be 0 for 4 rows and more"):
        CorrectedMI(repeats=5)(counted([1, 1, 2, 2], [0, 1, 0, 1]))
