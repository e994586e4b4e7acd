import keras
import numpy as np
import pytest

from ctrmoe.layers import DomainIndex

IDS = np.array([[1], [2], [3], [4], [5], [0]], "int32")


def test_domain_index_counts_known_domains_from_one():
    index = DomainIndex(3, dropout=0.5)

    assert np.array(index(IDS)).tolist() == [0, 0, 1, 2, 0, 0]


def test_domain_index_hides_a_share_of_the_domains_while_training():
    ids = np.full((4000, 1), 4, "int32")
    index = DomainIndex(3, dropout=0.2, seed=3)

    found = np.array(index(ids, training=True))

    assert set(found.tolist()) == {0, 2}
    assert 0.17 < np.mean(found == 0) < 0.23
    assert not np.array_equal(found, index(ids, training=True))
    np.testing.assert_array_equal(found, DomainIndex(3, dropout=0.2, seed=3)(ids, training=True))


def test_domain_index_without_dropout_draws_nothing():
    index = DomainIndex(3, seed=3)

    assert np.array(index(IDS, training=True)).tolist() == [0, 0, 1, 2, 0, 0]


def test_domain_index_dropout_of_all_rows_is_refused():
    with pytest.raises(ValueError, match=r"`dropout` must lie in \[0, 1\). Received: dropout=1"):
        DomainIndex(3, dropout=1)


def test_domain_index_keeps_its_options_and_its_numbers_in_half_precision():
    index = DomainIndex.from_config(DomainIndex(5000, dropout=0.1, seed=2).get_config())
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        ids = keras.Input((1,), dtype="int32")
        model = keras.Model(ids, DomainIndex.from_config(index.get_config())(ids))
    finally:
        keras.config.set_dtype_policy("float32")

    assert (index.num_domains, index.dropout, index.seed) == (5000, 0.1, 2)
    assert int(model(np.array([[4099]], "int32"))[0]) == 4097
