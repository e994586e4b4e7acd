import numpy as np
import pytest
from scipy.stats import spearmanr

from ctrmoe.ranking.scores.spearman import Spearman


def test_value_is_that_of_scipy(counted):
    random = np.random.default_rng(61)
    keys = random.zipf(1.5, 700) % 90
    labels = (random.random(700) < 0.2 + 0.005 * keys).astype(int)

    found = Spearman()(counted(keys, labels))

    assert found.value == pytest.approx(spearmanr(keys, labels).statistic)
