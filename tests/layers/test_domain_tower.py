import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers import DomainTower, Tower

ROWS = np.random.default_rng(2).normal(size=(7, 2, 3)).astype("float32")
DOMAINS = np.array([0, 2, 1, 1, 2, 0, 2], "int32")


def test_domain_tower_equals_a_tower_of_each_domain():
    tower = DomainTower(3, [5, 4], activation="tanh")
    result = np.array(tower(ROWS, DOMAINS))

    bank = tower.experts.bank
    for domain in range(3):
        own = Tower([5, 4], activation="tanh")
        own.build(ROWS.shape)
        pairs = zip(bank.kernels, bank.biases, strict=True)
        own.set_weights([np.array(weight[domain]) for pair in pairs for weight in pair])
        rows = domain == DOMAINS
        np.testing.assert_allclose(result[rows], own(ROWS[rows]), atol=1e-6)


def test_domain_tower_without_units_is_linear_and_has_that_many_weights():
    tower = DomainTower(3)

    tower(ROWS, DOMAINS)

    assert tower.count_params() == 3 * (6 + 1)


def test_domain_tower_trains_only_the_domains_of_the_batch():
    tower = DomainTower(3, [5])
    tower.build(ROWS.shape)

    with tf.GradientTape() as tape:
        loss = keras.ops.sum(tower(ROWS[:2], np.array([1, 1], "int32")) ** 2)
    gradients = tape.gradient(loss, tower.trainable_variables)

    for gradient in map(np.array, map(tf.convert_to_tensor, gradients)):
        assert not gradient[[0, 2]].any()
        assert np.abs(gradient[1]).max() > 0


def test_domain_tower_logit_is_float32_in_half_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        tower = DomainTower(3, [5])
    finally:
        keras.config.set_dtype_policy("float32")

    assert tower(ROWS, DOMAINS).dtype == "float32"
    assert DomainTower.from_config(tower.get_config()).get_config() == tower.get_config()


def test_domain_tower_refuses_a_rate_of_one():
    with pytest.raises(ValueError, match=r"`dropout` must lie in \[0, 1\)"):
        DomainTower(3, [4], dropout=1.0)
