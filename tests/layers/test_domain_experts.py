import numpy as np
import pytest

from ctrmoe.layers.domain_experts import DomainExperts

ROWS = np.random.default_rng(2).normal(size=(7, 4)).astype("float32")
DOMAINS = np.array([0, 2, 1, 1, 2, 0, 2], "int32")


def test_domain_experts_row_is_computed_by_the_network_of_its_domain():
    experts = DomainExperts(3, [8, 2])

    result = experts(ROWS, DOMAINS)

    of_all = np.array(experts.bank(ROWS))
    np.testing.assert_allclose(result, of_all[np.arange(7), DOMAINS], atol=1e-6)
    assert np.abs(of_all[:, 0] - of_all[:, 1]).max() > 1e-3


def test_domain_experts_takes_the_options_of_the_bank():
    experts = DomainExperts(3, [8, 2], kind="product", bank={"activation": "tanh"})

    experts(ROWS, DOMAINS)

    assert experts.bank.shared_kernels[0].shape == (4, 8)
    assert DomainExperts.from_config(experts.get_config()).get_config() == experts.get_config()
    with pytest.raises(ValueError, match="`rate` must be an option of 'product'"):
        DomainExperts(3, [8], kind="product", bank={"rate": 1})
