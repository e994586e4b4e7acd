import numpy as np
import polars as pl

from ctrmoe.ranking.quality.hashing import (
    fingerprint,
    hash_values,
    mix,
    name_hash,
    row_numbers,
)


def test_mix_is_one_to_one_and_even():
    keys = mix(np.arange(1 << 16, dtype=np.uint64))

    assert len(np.unique(keys)) == 1 << 16
    leading = np.bincount(keys >> np.uint64(60), minlength=16)
    assert leading.min() > 3_800 and leading.max() < 4_400  # 4,096 ± 5 deviations


def test_values_that_are_equal_have_one_hash():
    hashes = hash_values(pl.Series([0.0, -0.0, 1.5, None, None]))

    assert hashes[0] == hashes[1] and hashes[3] == hashes[4]
    assert len(set(hashes.tolist())) == 3


def test_fingerprints_of_chunks_add_up():
    values = hash_values(pl.Series(["a", "b", "a", "c", "b"]))
    whole = fingerprint(values, row_numbers(0, 5))

    parts = fingerprint(values[:2], row_numbers(0, 2)) + fingerprint(values[2:], row_numbers(2, 3))

    assert parts % 2**64 == whole
    assert fingerprint(values[::-1], row_numbers(0, 5)) != whole


def test_names_have_odd_numbers_of_their_own():
    numbers = {int(name_hash(name)) for name in "abcdef"}

    assert len(numbers) == 6
    assert all(number % 2 for number in numbers)
