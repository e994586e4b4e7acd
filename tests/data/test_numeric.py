import math
from functools import partial

import numpy as np
import pytest
import references
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrmoe.data.numeric import NumberCounter, NumericStatistics
from ctrmoe.schema import Feature
from ctrmoe.transforms import PRESETS

FLOAT = st.floats(width=32, allow_infinity=False, allow_nan=False, allow_subnormal=False)
USUAL = st.floats(-1e4, 1e4, width=32)


def counted(*chunks):
    counter = NumberCounter()
    for chunk in chunks:
        counter.add(np.array(chunk, np.float32))
    return counter


def numeric(transform, **options):
    return Feature(name="x", kind="numeric", transform=transform, **options)


@settings(max_examples=60, deadline=None)
@given(st.lists(USUAL, min_size=1))
def test_statistics_of_few_numbers_are_exact(values):
    numbers = np.array(values, np.float32).astype(np.float64)

    statistics = counted(values).statistics(1)

    assert statistics.lower == numbers.min()
    assert statistics.upper == numbers.max()
    scale = np.abs(numbers).max()
    assert statistics.mean == pytest.approx(numbers.mean(), rel=1e-8, abs=1e-12 * scale)
    expected = numbers.std() if numbers.min() < numbers.max() else 1.0
    assert statistics.std == pytest.approx(expected, rel=1e-6, abs=1e-12 * scale)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(FLOAT, max_size=20), max_size=4), st.randoms())
def test_statistics_do_not_depend_on_order_or_merging(chunks, random):
    shuffled = [random.sample(chunk, len(chunk)) for chunk in random.sample(chunks, len(chunks))]
    merged = NumberCounter()
    for chunk in shuffled:
        merged.merge(counted(chunk))

    assert merged.statistics(8) == counted(*chunks).statistics(8)


def test_large_equal_numbers_keep_their_deviation():
    # Seconds since 1970 within one hour: sums of squares would lose the deviation.
    seconds = 1_700_000_000 + 128.0 * np.arange(28)

    statistics = counted(seconds).statistics(1)

    assert statistics.mean == pytest.approx(seconds.mean(), abs=5)
    assert statistics.std == pytest.approx(seconds.std(), rel=1e-6)


def test_clipped_share_leaves_outliers_out_of_bounds_and_moments():
    numbers = np.concatenate([np.linspace(-1, 1, 1_000_000), [1e30] * 4, [-1e30] * 4])

    statistics = counted(numbers).statistics(1)

    assert -1.001 <= statistics.lower <= -0.999
    assert 0.999 <= statistics.upper <= 1.001
    assert statistics.mean == pytest.approx(0, abs=1e-6)
    assert statistics.std == pytest.approx(np.sqrt(1 / 3), rel=1e-4)


def test_moments_include_the_clipped_numbers_at_their_bounds():
    numbers = np.concatenate([np.zeros(999_990), np.full(10, 3.0), np.full(8, 1e20)])

    statistics = counted(numbers).statistics(1)

    clipped = np.minimum(numbers, statistics.upper)
    assert statistics.upper == pytest.approx(3, rel=1e-3)
    assert statistics.mean == pytest.approx(clipped.mean(), rel=1e-8)
    assert statistics.std == pytest.approx(clipped.std(), rel=1e-8)


def test_counter_without_numbers_gives_neutral_statistics():
    assert counted([], [np.nan, np.inf]).statistics(4) == NumericStatistics()


def test_counter_without_moments_leaves_them_neutral():
    counter = NumberCounter(moments=False)
    counter.add(np.array([1.0, 3.0]))

    assert counter.statistics(1) == NumericStatistics(lower=1.0, upper=3.0)


@pytest.mark.parametrize(
    ("numbers", "buckets", "edges"),
    [
        (np.arange(8), 4, (2, 4, 6)),
        (np.repeat([0, 1], [60, 40]), 2, (1,)),
        (np.repeat([0, 1, 2], [90, 5, 5]), 32, (1, 2)),
        (np.zeros(5), 4, ()),
        (np.arange(-3, 3), 3, (-1, 1)),
    ],
)
def test_edges_share_the_numbers_equally(numbers, buckets, edges):
    assert counted(numbers).statistics(buckets).edges == pytest.approx(edges, rel=1e-3)


def test_edges_of_many_numbers_are_close_to_the_quantiles():
    numbers = np.random.default_rng(0).lognormal(size=200_000)

    edges = counted(numbers).statistics(16).edges

    shares = np.searchsorted(np.sort(numbers), edges) / len(numbers)
    np.testing.assert_allclose(shares, np.arange(1, 16) / 16, atol=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.lists(USUAL, min_size=1, max_size=20), st.lists(FLOAT | st.just(np.nan)))
@pytest.mark.parametrize(
    "feature",
    [
        numeric("none"),
        numeric("standard"),
        numeric("log"),
        numeric("log_square"),
        numeric("log_square", truncate=True),
        numeric("quantile", buckets=4),
        *map(numeric, PRESETS["extended"]),
    ],
    ids=str,
)
def test_transform_agrees_with_slow_rules(feature, seen, values):
    statistics = counted(seen).statistics(feature.buckets)

    result = statistics.transform(feature, np.array(values, np.float32))

    expected = [
        references.transformed_number(references.raw_number(value), feature, statistics)
        for value in values
    ]
    assert result.dtype == (np.int32 if feature.transform == "quantile" else np.float32)
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("preset", ["fw", "extended_rounded"])
def test_generated_transforms_agree_with_slow_rules(preset):
    numbers = np.array([-3.3, -1, 0, 0.011, 0.16, 0.53, 1, 1.9, 2, 8, 8.4, 41, 96, 601], np.float32)
    statistics = counted(numbers).statistics(1)

    for name in set(PRESETS[preset]) - set(PRESETS["default"]):
        result = statistics.transform(numeric(name), numbers)

        expected = [references.generated_transform(float(x), name, statistics) for x in numbers]
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=2e-7, err_msg=name)


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ("sqrt", [None, None, 0, 1, 2]),
        ("sqrt_abs", [2, 1, 0, 1, 2]),
        ("log1p", [None, None, 0, 0.6931472, 1.6094379]),
        ("log1p_abs", [1.6094379, 0.6931472, 0, 0.6931472, 1.6094379]),
        ("log_signed", [-1.3862944, 0, None, 0, 1.3862944]),
        ("asinh", [-2.0947125, -0.8813736, 0, 0.8813736, 2.0947125]),
        ("log1p_sqrt", [None, None, 0, 0.6931472, 3.2188758]),
        ("log1p_hundredths", [None, None, 0, 69, 161]),
        ("nonzero", [1, 1, 0, 1, 1]),
        ("maximum_share", [-1, 0, 0, 0, 1]),
        ("inverse", [-0.25, -1, 0, 1, 0.25]),
        ("arcsin", [-1.5707963, -1.5707963, 0, 1.5707963, 1.5707963]),
        ("range_share", [0, 0.375, 0.5, 0.625, 1]),
        ("sqrt_above_1_by_10", [-4, -1, 0, 0, 17]),
        ("log_above_2_by_100", [-4, -1, 0, 1, 69]),
        ("log1p_abs_to_2", [1.61, 0.69, 0, 0.69, 1.61]),
    ],
)
def test_outranks_transforms_by_hand(transform, expected):
    numbers = np.array([-4, -1, 0, 1, 4, np.nan], np.float32)

    result = counted(numbers).statistics(1).transform(numeric(transform), numbers)

    missing = [math.nan if value is None else value for value in (*expected, None)]
    np.testing.assert_allclose(result, missing, rtol=1e-6)


def test_share_of_a_maximum_of_zero_is_missing():
    statistics = counted([-2.0, 0.0]).statistics(1)

    result = statistics.transform(numeric("maximum_share"), np.array([-2, 0], np.float32))

    assert np.isnan(result).all()


def test_quantiles_leave_out_numbers_without_a_result():
    assert quantiles_of(numeric("sqrt"), [-1.0, -2.0, 4.0]).tolist() == [2.0] * 65
    assert quantiles_of(numeric("sqrt"), [-1.0, -2.0]).tolist() == [0.0] * 65


@pytest.mark.parametrize("transform", ["none", "standard", "log", "log_square"])
def test_extreme_numbers_give_finite_values(transform):
    extremes = np.array([1e30, -1e30, 3.4e38, -3.4e38, 0.0, 1e-45])
    statistics = counted(extremes).statistics(1)

    result = statistics.transform(numeric(transform), extremes)

    assert np.isfinite(result).all()
    assert np.abs(result).max() <= 1e6


def test_log_square_is_that_of_the_criteo_script():
    numbers = np.array([-3.0, 0, 1, 2, 3, 10, 5775])
    statistics = counted(numbers).statistics(1)

    result = statistics.transform(numeric("log_square", truncate=True), numbers)

    assert result.tolist() == [-3, 0, 1, 2, 1, 5, 75]


def quantiles_of(feature, values):
    counter = counted(values)
    return np.array(counter.quantiles(partial(counter.statistics(1).transform, feature)))


def test_quantiles_by_hand():
    """Of 128 numbers each quantile is every second one; of two, half are the one."""
    np.testing.assert_array_equal(quantiles_of(numeric("none"), range(128)), [0, *range(1, 128, 2)])
    assert quantiles_of(numeric("none"), [3.0, 5.0]).tolist() == [3.0] * 33 + [5.0] * 32


@pytest.mark.parametrize("transform", ["none", "standard", "log", "log_square"])
def test_quantiles_are_those_of_the_transformed_numbers(transform):
    """`log_square` sends 2.1 below 1.9: the quantiles are of its results all the same."""
    feature = numeric(transform)
    values = np.random.default_rng(5).lognormal(1, 1.5, 5_000).astype(np.float32)
    transformed = counted(values).statistics(1).transform(feature, values)

    quantiles = quantiles_of(feature, values)

    expected = np.quantile(transformed, np.arange(65) / 64)
    assert (np.diff(quantiles) >= 0).all()
    np.testing.assert_allclose(quantiles, expected, rtol=0.02, atol=0.01)


def test_quantiles_of_no_number_are_zeros():
    assert quantiles_of(numeric("log"), []).tolist() == [0.0] * 65
