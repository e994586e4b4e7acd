import numpy as np
import polars as pl
import pytest

from ctrmoe.data.sources import UNNAMED
from ctrmoe.ranking.keys import (
    KEY_BITS,
    MISSING_KEY,
    Keys,
    feature_keys,
    mixed,
    number_of,
    value_texts,
)
from ctrmoe.schema import Feature, SchemaError


def keys_of(values, dtype=None, **feature):
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype, strict=False)})
    return feature_keys(frame, Feature(name="x", **feature), UNNAMED)


def test_whole_numbers_are_their_own_keys():
    keys = keys_of([3, -7, None, 0], kind="categorical")

    assert keys.values.tolist() == [3, -7, MISSING_KEY, 0]
    assert keys.rows is None


def test_large_numbers_leave_room_for_the_label():
    keys = keys_of([2**62, 2**62 + 1, -(2**61), 5], kind="categorical").values

    assert len(set(keys.tolist())) == 4
    assert np.abs(keys).max() < 1 << KEY_BITS
    assert keys[3] == 5


def test_texts_have_one_key_each_in_every_chunk():
    first = keys_of(["a", "b", "", None, "a"], kind="categorical").values
    second = keys_of(["b", "a"], kind="categorical").values

    assert first[0] == first[4] == second[1]
    assert first[1] == second[0] != first[0]
    assert first[2] == first[3] == MISSING_KEY


def test_keys_of_numbers_keep_their_order():
    numbers = [-1e30, -2.5, -1e-20, 0.0, 1e-20, 3.0, 1e30]

    keys = keys_of([*numbers, float("nan"), None, -0.0], kind="numeric").values

    assert np.all(np.diff(keys[:7]) > 0)
    assert keys[7:].tolist() == [MISSING_KEY, MISSING_KEY, 0]
    np.testing.assert_allclose(number_of(keys[:7]), numbers, rtol=1e-7)


def test_cut_keys_stand_for_numbers_nearby():
    keys = keys_of([-17.3, 0.001, 12345.6], kind="numeric").values

    np.testing.assert_allclose(number_of(keys >> 12, 12), [-17.3, 0.001, 12345.6], rtol=3e-4)


def test_list_gives_each_value_of_a_row_once():
    keys = keys_of([[1, 2, 1], [], None, [3]], kind="categorical", max_length=5)

    assert keys.rows.tolist() == [0, 0, 1, 2, 3]
    assert keys.values.tolist() == [1, 2, MISSING_KEY, MISSING_KEY, 3]


def test_sequence_is_read_as_the_model_reads_it():
    keys = keys_of([[1, 2, 3, 4]], kind="sequence", max_length=2)

    assert keys.values.tolist() == [3, 4]


def test_chosen_rows_of_a_list_are_numbered_anew():
    keys = Keys(np.array([5, 6, 7]), np.array([0, 0, 2])).of_rows(np.array([True, False, True]))

    assert keys.values.tolist() == [5, 6, 7]
    assert keys.rows.tolist() == [0, 0, 1]


def test_numbered_rows_are_chosen():
    single, lists = Keys(np.array([5, 6, 7])), Keys(np.array([5, 6, 7]), np.array([0, 0, 2]))

    assert single.at(np.array([0, 2]), 3).values.tolist() == [5, 7]
    assert lists.at(np.array([1, 2]), 3).values.tolist() == [7]
    assert lists.at(np.array([1, 2]), 3).rows.tolist() == [1]


def test_mixed_is_the_published_sequence():
    # The first outputs of SplitMix64 seeded with 0 are the mix of 0, 1, 2 times its increment.
    state = np.array([0, 0x9E3779B97F4A7C15], np.uint64)

    assert mixed(state).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]


def test_bytes_that_are_no_text():
    with pytest.raises(SchemaError, match="`x` must be UTF-8 text"):
        keys_of([b"\xff\xfe"], pl.Binary, kind="categorical")


def test_texts_of_values_come_with_their_keys_the_most_frequent_first():
    frame = pl.DataFrame({"x": ["b", "a", None, "b", "", "c"]})
    feature = Feature(name="x", kind="categorical")

    keys, texts = value_texts(frame, feature, UNNAMED)

    assert texts == ["b", "a", "c"]
    assert keys.tolist() == feature_keys(frame, feature, UNNAMED).values[[0, 1, 5]].tolist()


def test_texts_of_whole_numbers_and_of_lists():
    frame = pl.DataFrame({"n": [3, 3, -1], "l": [[2**62, 7], [7], []]})

    keys, texts = value_texts(frame, Feature(name="n", kind="categorical"), UNNAMED)
    assert (keys.tolist(), texts) == ([3, -1], ["3", "-1"])
    feature = Feature(name="l", kind="categorical", max_length=2)
    assert value_texts(frame, feature, UNNAMED)[1] == ["7", str(2**62)]


def test_texts_of_a_cross_are_those_of_its_members():
    frame = pl.DataFrame({"a": ["x", "x", "y", None], "b": [1, 1, 23, None]})
    feature = Feature(name="ab", kind="categorical", cross=("a", "b"))

    assert value_texts(frame, feature, UNNAMED)[1] == ["x × 1", "y × 23"]
