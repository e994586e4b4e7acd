import numpy as np
import pytest

from ctrmoe.layers.known_domain import known_domain


def test_what_is_no_domain_is_domain_0():
    domain = np.array([2, 3, -1, 0, 10**6], "int32")

    np.testing.assert_array_equal(known_domain(domain, 3), [2, 0, 0, 0, 0])


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32"])
def test_numbers_of_any_type_are_int32(dtype):
    found = known_domain(np.array([2, 3], dtype), 3)

    assert found.dtype == "int32"
    np.testing.assert_array_equal(found, [2, 0])


def test_domain_must_be_one_number_a_row():
    with pytest.raises(ValueError, match=r"`domain` must hold one number .*shape=\(2, 1\)"):
        known_domain(np.zeros((2, 1), "int32"), 3)
