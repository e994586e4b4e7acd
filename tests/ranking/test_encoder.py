import numpy as np
import pytest

from ctrmoe.ranking.keys import MISSING_KEY, number_keys


@pytest.mark.parametrize("kind", ["category", "number"])
@pytest.mark.parametrize("span", [40, 10**15], ids=["dense", "sparse"])
def test_codes_are_the_rows_of_the_counts(counted, kind, span):
    random = np.random.default_rng(1)
    keys = random.integers(-span, span, 90)[random.integers(0, 90, 600)]
    keys[::7] = MISSING_KEY
    labels = random.integers(0, 2, 600)
    table = counted(keys, labels, kind, buckets=8)

    encoder = table.encoder()
    codes = encoder.codes(keys)

    assert encoder.categories == len(table.counts)
    assert codes.dtype == np.uint8
    found = np.stack([np.bincount(codes[labels == c], minlength=len(table.counts)) for c in (0, 1)])
    np.testing.assert_array_equal(found.T, table.label_counts)
    assert (codes == encoder.missing).tolist() == (keys == MISSING_KEY).tolist()


def test_values_beyond_the_bound_share_the_codes_of_their_buckets(counted):
    keys = np.arange(5_000) * 10**6
    table = counted(keys, keys % 2, max_values=1024)

    encoder = table.encoder()

    assert not encoder.is_exact
    assert encoder.nbytes >= 8 * encoder.categories
    assert encoder.missing is None
    codes = encoder.codes(keys)
    assert codes.max() < encoder.categories <= 1024
    np.testing.assert_array_equal(np.bincount(codes), table.label_counts.sum(axis=1))


@pytest.mark.parametrize("max_values", [1 << 10, 1 << 13])
def test_codes_of_mapped_numbers_are_those_of_the_formula(counted, max_values):
    random = np.random.default_rng(2)
    numbers = random.normal(size=5_000).astype(np.float32)
    labels = random.integers(0, 2, 5_000)
    keys = np.append(number_keys(numbers), [MISSING_KEY] * 3)
    table = counted(keys, np.append(labels, [0, 1, 1]), "number", max_values=max_values, buckets=6)
    own, _ = table.ordered_counts
    formula = np.where(own < 1, np.abs(own), np.nan).astype(np.float32)

    mapped = table.mapped(formula)

    codes = mapped.encoder().codes(keys)
    assert mapped.encoder().categories == len(mapped.counts) == 7
    assert set(codes[-3:]) == {mapped.encoder().missing} == {6}
    assert np.array_equal(
        np.bincount(codes[:-3], labels) + [0, 0, 0, 0, 0, 0, 2], mapped.label_counts[:, 1]
    )


def test_feature_of_nulls_has_one_category(counted):
    keys = np.full(5, MISSING_KEY)

    encoder = counted(keys, np.arange(5) % 2).encoder()

    assert (encoder.categories, encoder.missing) == (1, 0)
    assert encoder.codes(keys).tolist() == [0] * 5
