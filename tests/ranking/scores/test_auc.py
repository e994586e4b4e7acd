import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ctrmoe.ranking.scores.auc import AUC, PRIOR_ROWS


def test_value_is_the_auc_of_rates_of_the_other_half(counted):
    random = np.random.default_rng(41)
    keys = random.integers(0, 60, 1_500)
    labels = (random.random(1_500) < 0.1 + 0.01 * keys).astype(int)
    half = np.arange(1_500) % 2

    found = AUC()(counted(keys, labels))

    areas = []
    for fold in (0, 1):
        own, other = half == fold, half != fold
        prior = labels[other].mean()
        rates = [
            (labels[other][keys[other] == key].sum() + PRIOR_ROWS * prior)
            / ((keys[other] == key).sum() + PRIOR_ROWS)
            for key in keys[own]
        ]
        areas.append(roc_auc_score(labels[own], rates))
    assert found.value == pytest.approx(np.mean(areas))
    assert found.p_value < 1e-6


def test_noise_of_high_cardinality_is_half(counted):
    random = np.random.default_rng(42)
    found = [
        AUC()(counted(random.integers(0, 3_000, 6_000), random.integers(0, 2, 6_000)))
        for _ in range(25)
    ]

    assert np.mean([f.value for f in found]) == pytest.approx(0.5, abs=0.006)
