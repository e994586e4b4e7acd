import numpy as np
import pytest

from ctrmoe.data.numeric import NumericStatistics
from ctrmoe.transforms import FORMULAS, INCREASING, PRESETS


def test_presets_have_as_many_formulas_as_outranks():
    sizes = {name: len(formulas) for name, formulas in PRESETS.items()}

    assert sizes == {
        "minimal": 4,
        "default": 10,
        "fw": 138,
        "extended": 27,
        "extended_rounded": 108,
    }


@pytest.mark.parametrize("name", sorted(INCREASING - {"quantile"}))
def test_increasing_formulas_keep_the_order_of_numbers(name):
    random = np.random.default_rng(4)
    numbers = np.sort(random.normal(size=300) * 10 ** random.uniform(-4, 4, 300))
    statistics = NumericStatistics(numbers[0], numbers[-1], float(numbers.mean()), 2.0)

    assert (np.diff(FORMULAS[name](np, numbers, statistics, False)) > 0).all()


def test_presets_name_formulas_once():
    for formulas in PRESETS.values():
        assert len(set(formulas)) == len(formulas)
        assert set(formulas) <= set(FORMULAS)


def test_smaller_presets_are_part_of_larger_ones():
    assert set(PRESETS["minimal"]) < set(PRESETS["default"])
    assert set(PRESETS["default"]) < set(PRESETS["fw"])
    assert set(PRESETS["default"]) < set(PRESETS["extended"])
