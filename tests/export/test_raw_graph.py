import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.data.numeric import NumericStatistics
from ctrmoe.export.raw_graph import _transformed
from ctrmoe.feature import Feature
from ctrmoe.transforms import FORMULAS

FAMILIES = {
    "named": [name for name in FORMULAS if "_above_" not in name and "_to_" not in name],
    "above": [name for name in FORMULAS if "_above_" in name],
    "to": [name for name in FORMULAS if "_to_" in name],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_numbers_are_transformed_as_in_preparation(family):
    random = np.random.default_rng(0)
    numbers = np.concatenate([random.normal(scale=s, size=40) for s in (0.1, 1.0, 30.0, 1e4)])
    numbers = np.append(numbers, [0.0, -0.0, 1.0, 2.0, np.nan, np.inf]).astype(np.float32)
    statistics = NumericStatistics(-9e3, 9.5e3, 1.5, 2.5)

    for name in FAMILIES[family]:
        feature = Feature(name="x", kind="numeric", transform=name)
        served = _transformed(feature, statistics, tf.constant(numbers)).numpy()

        prepared = statistics.transform(feature, np.where(np.isinf(numbers), np.nan, numbers))
        np.testing.assert_allclose(served, prepared, rtol=1e-6, atol=1e-7, err_msg=name)
