from pathlib import Path

import numpy as np
import pytest

import ctrmoe.ranking.surrogates as surrogates
from ctrmoe.ranking.surrogates.categories import Categories

PARTS = {"__init__", "base", "build", "categories", "row_sample", "sampled"}


def test_names_are_those_of_the_files():
    files = {path.stem for path in Path(surrogates.__file__).parent.glob("*.py")}

    assert set(surrogates.SURROGATES) == files - PARTS
    assert list(surrogates.SURROGATES) == sorted(surrogates.SURROGATES)


@pytest.mark.parametrize("name", surrogates.SURROGATES)
def test_signals_are_told_from_noise(name, features):
    known, labels = features

    found = surrogates.SURROGATES[name](seed=3, threads=2)(known, labels)

    assert list(found) == list(known)
    assert found["weak"].p_value < 1e-3
    assert found["weak"].value > 0
    assert all(found[noise].p_value > 0.01 for noise in ("noise", "many", "constant"))
    assert found["weak"].std > 0


@pytest.mark.parametrize("name", surrogates.SURROGATES)
def test_same_result_whatever_the_threads(name, features):
    known, labels = features
    part = {feature: known[feature] for feature in ("weak", "noise")}

    results = [surrogates.SURROGATES[name](seed=3, threads=n)(part, labels) for n in (1, 3)]

    assert results[0] == results[1]


@pytest.mark.parametrize("name", surrogates.SURROGATES)
def test_labels_of_one_class_in_a_fold_are_no_error(name):
    labels = np.array([1] + [0] * 19)

    found = surrogates.SURROGATES[name]()({"a": Categories(np.arange(20) % 2, 2)}, labels)

    assert found["a"].p_value > 0.01


@pytest.mark.parametrize("name", surrogates.SURROGATES)
def test_too_few_rows(name):
    with pytest.raises(ValueError, match="`rows` must be at least 10. Received: rows=5"):
        surrogates.SURROGATES[name](rows=5)
