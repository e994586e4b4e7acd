import numpy as np
import pytest

from ctrmoe.ranking.surrogates import OneHotLogistic
from ctrmoe.ranking.surrogates.categories import Categories


def test_gain_is_about_the_mutual_information(features):
    known, labels = features
    strong = known["strong"].codes
    counts = np.zeros((4, 2))
    np.add.at(counts, (strong, labels), 1)
    shares = counts / counts.sum()
    expected = shares * np.log(shares / shares.sum(1, keepdims=True) / shares.sum(0))

    found = OneHotLogistic()({"strong": known["strong"]}, labels)["strong"]

    assert found.value == pytest.approx(expected.sum(), rel=0.1)
    assert found.std < found.value / 5


def test_copy_gains_nothing_on_top_of_the_reference(features):
    known, labels = features

    found = OneHotLogistic(reference=["strong"])(known, labels)

    assert abs(found["copy"].value) < 0.002
    assert abs(found["strong"].value) < 0.002
    assert found["weak"].p_value < 1e-6


def test_projection_keeps_most_of_the_signal():
    random = np.random.default_rng(5)
    codes = random.integers(0, 60, 6_000)
    rates = random.uniform(0.1, 0.7, 60)
    labels = (random.random(6_000) < rates[codes]).astype(np.int8)
    feature = {"a": Categories(codes, 60)}

    whole = OneHotLogistic()(feature, labels)["a"]
    projected = OneHotLogistic(projection=30)(feature, labels)["a"]

    assert 0.1 * whole.value < projected.value < whole.value
    assert projected.p_value < 1e-3


def test_lists_have_several_columns_a_row(features):
    _, labels = features
    rows = np.repeat(np.arange(len(labels)), 2)
    codes = np.stack([labels, np.full(len(labels), 2)], axis=1).ravel()

    found = OneHotLogistic()({"tags": Categories(codes, 3, rows)}, labels)["tags"]

    assert found.value > 0.3


def test_projection_below_zero():
    with pytest.raises(ValueError, match="`projection` must be 0 or .* projection=-1"):
        OneHotLogistic(projection=-1)
