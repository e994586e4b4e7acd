import numpy as np
import pytest

from ctrmoe.ranking.surrogates import LightGBMGain
from ctrmoe.ranking.surrogates.categories import Categories


def test_stronger_features_gain_more(features):
    known, labels = features
    without_copy = {name: known[name] for name in ("strong", "weak", "noise")}

    found = LightGBMGain(repeats=4)(without_copy, labels)

    assert found["strong"].value > found["weak"].value > found["noise"].value
    # A row's loss is at most about 0.7 nats.
    assert 0.02 < found["strong"].value < 0.7


def test_lists_have_no_gain(features):
    known, labels = features
    tags = Categories(np.zeros(4_000, np.int64), 1, np.arange(4_000))

    found = LightGBMGain(repeats=2)({"tags": tags, "strong": known["strong"]}, labels)

    assert list(found) == ["tags", "strong"]
    assert np.isnan(found["tags"].value)
    assert np.isnan(LightGBMGain()({"tags": tags}, labels)["tags"].p_value)


def test_numbers_are_split_in_their_order():
    random = np.random.default_rng(8)
    codes = random.integers(0, 200, 3_000)
    labels = (random.random(3_000) < 0.1 + 0.8 * (codes > 120)).astype(np.int8)
    feature = {"age": Categories(codes, 200, is_ordered=True)}

    found = LightGBMGain(repeats=4)(feature, labels)["age"]

    assert found.p_value < 0.01


def test_one_repeat_is_too_few():
    with pytest.raises(ValueError, match="`repeats` must be at least 2. Received: repeats=1"):
        LightGBMGain(repeats=1)
