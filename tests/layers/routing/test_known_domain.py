import numpy as np

from ctrmoe.layers.routing.known_domain import known_domain


def test_what_is_no_domain_is_domain_0():
    domain = np.array([2, 3, -1, 0, 10**6], "int32")

    np.testing.assert_array_equal(known_domain(domain, 3), [2, 0, 0, 0, 0])
