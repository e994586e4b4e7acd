import numpy as np
import pytest

from ctrmoe.layers.domain_networks.domain_logits import DomainLogits


def test_domain_logits_are_products_with_the_rows(random):
    layer = DomainLogits(3, 2, shared_rows=1)
    x = random.normal(size=(4, 5)).astype("float32")

    logits = layer(x)

    assert layer.kernel.shape == (3 * 2 + 1, 5)
    assert layer.compute_output_shape((None, 5)) == (None, 7)
    for row in range(4):
        for index, kernel in enumerate(layer.kernel.numpy()):
            np.testing.assert_allclose(logits[row, index], np.dot(x[row], kernel), atol=1e-6)


def test_domain_logits_have_single_precision_and_a_config():
    layer = DomainLogits(3, 2, shared_rows=1, dtype="mixed_float16")

    assert layer(np.ones((1, 4), "float16")).dtype == "float32"
    assert DomainLogits.from_config(layer.get_config()).get_config() == layer.get_config()


def test_domain_logits_argument_out_of_range():
    with pytest.raises(ValueError, match="`rows_per_domain` must be a positive integer"):
        DomainLogits(3, 0)
