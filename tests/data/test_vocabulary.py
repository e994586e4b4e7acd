import farmhash
import numpy as np
import polars as pl
import pytest
import references
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrmoe.data import vocabulary as module
from ctrmoe.data.lists import Values
from ctrmoe.data.vocabulary import (
    ValueCounter,
    Vocabulary,
    file_name,
    hash_buckets,
    ordered_values,
    read_values,
)

ODD = [
    "",
    " ",
    "a",
    "é",
    "e\u0301",
    "日本",
    "\U0001f600",
    "\x00",
    "a\x00b",
    "\u2028",
    "\x85",
    "x" * 10_000,
]
TEXT = st.sampled_from(ODD) | st.text(max_size=3)
INTEGER = st.sampled_from([-(2**63), 1 - 2**63, 2**63 - 1]) | st.integers(-3, 3)


def counted(*columns):
    counter = ValueCounter()
    for column in columns:
        counter.add(Values(column))
    return counter


def texts(values):
    return pl.Series("a", values, pl.String)


def integers(values):
    return pl.Series("a", values, pl.Int64)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | TEXT), st.integers(1, 3))
def test_text_values_are_ordered_by_count_and_bytes(values, min_count):
    canonical = [references.canonical_value(value, "string") for value in values]

    result, _ = ordered_values(counted(texts(values)), "string", min_count)

    assert result.to_list() == references.vocabulary_lines(canonical, "string", min_count)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | INTEGER), st.integers(1, 3))
def test_integer_values_are_ordered_by_count_and_number(values, min_count):
    canonical = [references.canonical_value(value, "integer") for value in values]

    result, _ = ordered_values(counted(integers(values)), "integer", min_count)

    assert result.to_list() == references.vocabulary_lines(canonical, "integer", min_count)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(TEXT, max_size=5), max_size=5), st.randoms())
def test_counts_do_not_depend_on_order_or_merging(chunks, random):
    shuffled = [random.sample(chunk, len(chunk)) for chunk in random.sample(chunks, len(chunks))]
    merged = ValueCounter()
    for chunk in shuffled:
        merged.merge(counted(texts(chunk)))

    expected, _ = ordered_values(counted(*map(texts, chunks)), "string", 1)

    assert ordered_values(merged, "string", 1)[0].to_list() == expected.to_list()


def test_values_with_line_breaks_are_left_out_and_counted():
    counter = counted(texts(["a", "a\nb", "a\r", "a\r", "\n"]))

    values, broken = ordered_values(counter, "string", 1)

    assert values.to_list() == ["a"]
    assert broken == 3


def test_codes_stand_for_the_ids_of_counted_and_other_rows():
    counter = ValueCounter()
    values = Values(texts(["u", None, "", "v", "u", "u"]))
    codes = counter.add(values, np.array([True, True, True, False, True, True])).values
    vocabulary = Vocabulary(ordered_values(counter, "string", 1)[0], "string")

    ids = counter.code_ids(vocabulary)

    assert vocabulary.values.to_list() == ["u"]
    assert [ids[-1] if code is None else ids[code] for code in codes] == [3, 1, 1, 2, 3, 3]


def test_text_that_is_no_integer_is_left_out_of_an_integer_vocabulary():
    values, broken = ordered_values(counted(texts(["10", "9", "x", ""])), "integer", 1)

    assert values.to_list() == ["9", "10"]
    assert broken == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT, unique=True), st.lists(st.none() | TEXT), st.integers(1, 3))
def test_text_ids_agree_with_slow_rules(lines, values, oov_buckets):
    lines = [line for line in lines if line]
    vocabulary = Vocabulary(texts(lines), "string", oov_buckets)

    ids = vocabulary.ids(texts(values))

    assert ids.dtype == np.int32
    assert ids.tolist() == [
        references.categorical_id(v or None, lines, oov_buckets, 0, farmhash.fingerprint64)
        for v in values
    ]


@pytest.mark.parametrize("direct_range", [1 << 22, 0])
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(2**63 - 9, 2**63 - 1) | st.integers(-9, 9), unique=True, max_size=8),
    st.lists(st.none() | INTEGER | st.integers(2**63 - 9, 2**63 - 1)),
    st.integers(1, 3),
)
def test_integer_ids_agree_with_slow_rules(direct_range, lines, values, oov_buckets):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "DIRECT_RANGE", direct_range)
        vocabulary = Vocabulary(texts([str(line) for line in lines]), "integer", oov_buckets)

    ids = vocabulary.ids(integers(values))

    assert ids.tolist() == [
        references.categorical_id(
            references.canonical_value(value, "integer"),
            [str(line) for line in lines],
            oov_buckets,
            0,
            farmhash.fingerprint64,
        )
        for value in values
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.none() | TEXT), st.integers(1, 5))
def test_hashed_ids_agree_with_slow_rules(values, buckets):
    vocabulary = Vocabulary(texts([]), "string", hash_buckets=buckets)

    ids = vocabulary.ids(texts(values))

    assert vocabulary.size == 2 + buckets
    assert ids.tolist() == [
        references.categorical_id(value or None, [], 1, buckets, farmhash.fingerprint64)
        for value in values
    ]


def test_hash_equals_that_of_tensorflow():
    tf = pytest.importorskip("tensorflow")
    values = [value for value in ODD if value] + [str(n) for n in range(-50, 50)]

    for buckets in (1, 2, 1000, 2**31 - 1):
        expected = tf.strings.to_hash_bucket_fast(values, buckets).numpy()
        np.testing.assert_array_equal(hash_buckets(texts(values), buckets), expected)


def test_size_counts_reserved_ids_and_values():
    vocabulary = Vocabulary(texts(["a", "b"]), "string", oov_buckets=3)

    assert vocabulary.size == 7
    assert vocabulary.first_value == 5
    assert vocabulary.ids(texts(["b", "", "a"])).tolist() == [6, 1, 5]


def test_unseen_values_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(module, "UNSEEN_KEPT", 10)
    vocabulary = Vocabulary(texts(["a"]), "string")

    for start in range(0, 1000, 100):
        unseen = [str(n) for n in range(start, start + 100)]
        assert vocabulary.ids(texts([*unseen, "a", None])).tolist() == [2] * 100 + [3, 1]

    codes, _, _ = vocabulary._text._state
    assert codes.codes(texts(["new"]))[0] < 200


def test_file_keeps_values_of_every_script(tmp_path):
    values = [value for value in ODD if value]
    path = tmp_path / "a.txt"

    Vocabulary(texts(values), "string").save(path)

    assert path.read_bytes() == "".join(f"{value}\n" for value in values).encode()
    assert read_values(path).to_list() == values


def test_empty_vocabulary_reloads(tmp_path):
    Vocabulary(texts([]), "string").save(tmp_path / "a.txt")

    values = read_values(tmp_path / "a.txt")

    assert Vocabulary(values, "string").ids(texts(["a", None])).tolist() == [2, 1]


@pytest.mark.parametrize(("name", "expected"), [("a/b", "a%2Fb.txt"), ("é", "%C3%A9.txt")])
def test_file_name_is_quoted(name, expected):
    assert file_name(name) == expected


def test_columns_called_like_the_counts_are_counted():
    counter = counted(pl.Series("count", [3, 3, None, 7]), pl.Series("value", ["3"]))

    assert sorted(counter.table().select("value", "count").rows()) == [("3", 3), ("7", 1)]
