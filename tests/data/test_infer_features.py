import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from ctrmoe.data.infer_features import guess_feature, is_time, words
from ctrmoe.data.infer_profile import profile

ROWS = 2000
PERIODS = pd.DataFrame({"period": pd.period_range("2026-01-01", periods=ROWS, freq="h")})["period"]


def column_of(name, values):
    frame = values.to_frame(name) if isinstance(values, pl.Series) else pl.DataFrame({name: values})
    return profile([frame])[0]


def guess(name, values):
    return guess_feature(column_of(name, values))


def repeated(values):
    return [values[i % len(values)] for i in range(ROWS)]


def lists(seed, longest, values=30):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, values, rng.integers(0, longest + 1)).tolist() for _ in range(ROWS)]


def codes(values):
    return np.random.default_rng(0).integers(0, values, ROWS)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("userID (hashed)", ["user", "id", "hashed"]),
        ("age_group", ["age", "group"]),
        ("Größe/cm", ["größe", "cm"]),
        ("C14", ["c14"]),
        ("", []),
    ],
)
def test_words_splits_headers(header, expected):
    assert words(header) == expected


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("day", repeated([datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)])),
        ("seen", repeated(["2024-01-01 10:00:00.5+00:00", "2024-02-01"])),
        ("timestamp", range(1_700_000_000, 1_700_000_000 + ROWS)),
        ("event_time", range(1_700_000_000_000, 1_700_000_000_000 + ROWS)),
        ("hour", repeated([14102100, 14102101, 14103023])),
    ],
)
def test_moment_is_left_out(name, values):
    assert is_time(column_of(name, values))
    assert guess(name, values).options == {}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("hour", repeated(list(range(24)))),
        ("price", range(1_700_000_000, 1_700_000_000 + ROWS)),
        ("date_text", repeated(["2024-01-01", "soon"])),
        ("timestamp", repeated([-1, 1_700_000_000])),
    ],
)
def test_other_columns_are_no_moment(name, values):
    assert not is_time(column_of(name, values))


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("city", repeated(["Rome"]), "constant: 'Rome'"),
        ("city", pl.Series([None] * ROWS, dtype=pl.String), "missing"),
        ("request", [f"r{i}" for i in range(ROWS)], "row id or free text"),
        ("row", range(ROWS), "a row id"),
        ("request_id", [i * 7919 for i in range(ROWS)], "a row id"),
        ("embedding", [[0.1, 0.2]] * ROWS, "a list of Float64"),
        ("hist_time", [[1_700_000_000 + i] for i in range(ROWS)], "a list of moments"),
        ("extra", [{"a": i} for i in range(ROWS)], "type Struct({'a': Int64}) are left out: cast"),
        ("wait", pl.Series([datetime.timedelta(i) for i in range(ROWS)]), "type Duration"),
        ("period", pl.from_pandas(PERIODS), "are left out: cast"),
        ("", codes(30), "a column without a name"),
        ("price", repeated(["14,69", "1.200,5", "-3,0"]), "with a comma, such as '14,69'"),
        ("tags", repeated(['["a", "b", "c"]', '["a", "b"]', "[]"]), "JSON"),
        ("instance_weight", [i / 7 for i in range(ROWS)], "sampled"),
        ("propensity_score", [i / ROWS for i in range(ROWS)], "sampled"),
    ],
)
def test_unusable_column_is_left_out(name, values, reason):
    left_out = guess(name, values)

    assert left_out.options == {}
    assert reason in left_out.reason


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("city", pl.Series(["Rome", None] * (ROWS // 2)), "categorical"),
        ("request", [f"r{i // 2}" for i in range(ROWS)], "categorical"),
        ("request", [f"r{i}" for i in range(50)], "categorical"),
        ("amount", [i * 7919 for i in range(ROWS)], "numeric"),
        ("score", [i / 7 for i in range(ROWS)], "numeric"),
        ("weight", [i / 7 for i in range(ROWS)], "numeric"),
    ],
)
def test_usable_column_is_kept(name, values, kind):
    assert guess(name, values).options["kind"] == kind


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("position", repeated([1, 2, 3]), "categorical"),
        ("weekday", repeated(list(range(7))), "categorical"),
        ("site_id", repeated(list(range(500))), "categorical"),
        ("zip", repeated(list(range(500))), "categorical"),
        ("wins", repeated(list(range(500))), "numeric"),
        ("age", repeated(list(range(18, 60))), "numeric"),
        ("age", repeated([18, 25, 35]), "categorical"),
        ("flag", repeated([True, False]), "categorical"),
        # pandas turns codes into floats where one is missing.
        ("version", repeated([1.0, None, 2.0]), "categorical"),
        ("version", repeated([1.0, None, 2.5]), "numeric"),
        ("version", repeated([1.0, float("inf")]), "numeric"),
    ],
)
def test_numbers_are_codes_or_quantities(name, values, kind):
    assert guess(name, values).options["kind"] == kind


@pytest.mark.parametrize(
    ("distinct", "times", "options"),
    [
        (900, 2, {}),
        (1_100, 2, {"min_count": 2}),
        (11_000, 8, {"min_count": 5}),
        (11_000, 4, {"min_count": 4}),
        (110_000, 12, {"min_count": 10}),
        (1_100_000, 2, {"hash_buckets": 2**20}),
    ],
)
def test_rare_values_by_cardinality_and_how_often_they_come(distinct, times, options):
    values = pl.Series(np.arange(times * distinct) % distinct)

    assert guess("item_id", values).options == {"kind": "categorical"} | options


def test_list_with_an_order_in_its_name_is_a_sequence():
    options = guess("click_history", lists(0, 40)).options

    assert options["kind"] == "sequence"
    assert 35 <= options["max_length"] <= 40


def test_long_sequence_is_cut():
    assert guess("hist_items", lists(0, 400)).options["max_length"] == 50


def test_list_without_an_order_is_multi_valued():
    assert guess("genres", lists(0, 4)).options == {"kind": "categorical", "max_length": 4}


def test_fixed_size_array_is_a_list():
    values = pl.Series([[1, 2, 3], [4, 5, 6]] * 50, dtype=pl.Array(pl.Int64, 3))

    assert guess("genres", values).options == {"kind": "categorical", "max_length": 3}


@pytest.mark.parametrize("separator", ["|", ";", ","])
def test_separated_text_is_multi_valued(separator):
    texts = [separator.join(map(str, items)) for items in lists(3, 5)]

    options = guess("genres", texts).options

    assert options == {"kind": "categorical", "max_length": 5, "separator": separator}


def test_separated_text_with_an_order_is_a_sequence():
    texts = ["|".join(map(str, items)) for items in lists(3, 30)]

    options = guess("viewed_items", texts).options

    assert (options["kind"], options["separator"]) == ("sequence", "|")


@pytest.mark.parametrize(
    "texts",
    [
        [f"Name{i % 40}, First{i % 7}" for i in range(ROWS)],
        [f"{i % 9},{i % 7:03d},{i % 3:03d}" if i % 2 else f"{i % 9},001" for i in range(ROWS)],
        [f"{i % 5}|{i % 7}|{i % 11}" for i in range(ROWS)],
        [f"a{i % 50}" if i % 10 else f"x{i % 3}|y|z" for i in range(ROWS)],
    ],
    ids=["last-first", "thousands", "composite-key", "seldom"],
)
def test_other_punctuation_is_one_value(texts):
    assert "separator" not in guess("value", texts).options


def test_texts_of_digits_are_told():
    assert "digits" in guess("industry", repeated(["0", "12"])).reason
    assert "digits" not in guess("industry", repeated(["0", "12", "n/a"])).reason


def test_ids_beyond_64_signed_bits_are_text():
    ids = pl.Series(codes(30), dtype=pl.UInt64) + 2**63

    guessed = guess("user_id", ids)

    assert guessed.options == {"kind": "categorical", "dtype": "string"}
    assert "beyond 64 signed bits" in guessed.reason
