import numpy as np
import pytest

from ctrmoe.ranking.keys import MISSING_KEY
from ctrmoe.ranking.scores.pearson import Pearson


def test_value_is_that_of_the_places_of_the_categories(counted):
    random = np.random.default_rng(51)
    keys = random.choice([3, 10, 400, 401], 500)
    labels = (random.random(500) < 0.2 + (keys > 100) * 0.3).astype(int)
    places = np.unique(keys, return_inverse=True)[1]

    found = Pearson()(counted(keys, labels))

    assert found.value == pytest.approx(np.corrcoef(places, labels)[0, 1])


def test_value_of_numbers_without_the_missing_ones(counted):
    numbers = np.random.default_rng(52).normal(size=400).astype(np.float32)
    labels = (numbers + np.random.default_rng(53).normal(size=400) > 0).astype(int)
    bits = numbers.view(np.int32).astype(np.int64)
    keys = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)
    keys[:50] = MISSING_KEY

    found = Pearson()(counted(keys, labels, kind="number"))

    assert found.value == pytest.approx(np.corrcoef(numbers[50:], labels[50:])[0, 1], rel=1e-6)
