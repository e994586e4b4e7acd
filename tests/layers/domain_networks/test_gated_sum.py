import numpy as np
import pytest
import references

from ctrmoe.layers.domain_networks.gated_sum import gated_sum


@pytest.mark.parametrize(("own", "shared"), [(2, 3), (2, 0), (0, 3)])
def test_gated_sum_equals_the_equation(random, own, shared):
    logits = random.normal(size=(4, 2, own + shared)).astype("float32")
    of_gates = random.normal(size=(4, 2 * own, 5)).astype("float32")
    of_all = random.normal(size=(4, shared, 5)).astype("float32")

    y = gated_sum(logits, own=of_gates if own else None, shared=of_all if shared else None)

    for row in range(4):
        for gate in range(2):
            results = [*of_gates[row, gate * own : (gate + 1) * own], *of_all[row]]
            expected = references.gated_sum(logits[row, gate], results)
            np.testing.assert_allclose(y[row, gate], expected, atol=1e-6)


def test_gated_sum_of_half_precision_keeps_its_dtype():
    shared = np.array([[[1000.0], [0.0]]], "float16")

    y = gated_sum(np.array([[[0.0, 1.0]]], "float16"), shared=shared)

    assert y.dtype == "float16"
    np.testing.assert_allclose(y, [[[1000 / (1 + np.e)]]], rtol=1e-3)
