import numpy as np
import pytest
import references

from ctrmoe.layers.gate_unit import GateUnit


@pytest.fixture
def x(random):
    return random.normal(size=(5, 4)).astype("float32")


def test_equals_the_equations(x, randomize):
    gate = GateUnit(3, 6, gamma=1.5)
    gate.build(x.shape)
    weights = randomize(gate)

    expected = [references.gate_unit(row.astype("float64"), weights, gamma=1.5) for row in x]
    np.testing.assert_allclose(gate(x), expected, atol=1e-5)


def test_scales_are_1_without_weights_of_the_output(x):
    gate = GateUnit(3, 6)
    gate.build(x.shape)
    gate.scales.kernel.assign(np.zeros((6, 3)))

    np.testing.assert_array_equal(gate(x), np.ones((5, 3)))


def test_config_keeps_the_arguments(x):
    gate = GateUnit(3, 6, gamma=1.5)

    copy = GateUnit.from_config(gate.get_config())

    assert copy.get_config() == gate.get_config()
    assert copy(x).shape == copy.compute_output_shape(x.shape) == (5, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 0}, "`units` must be a positive integer"),
        ({"hidden_units": 1.5}, "`hidden_units` must be a positive integer"),
        ({"gamma": 0}, "`gamma` must be a positive number"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        GateUnit(**{"units": 2, "hidden_units": 2, **options})
