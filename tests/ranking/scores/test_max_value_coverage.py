import pytest

from ctrmoe.ranking.scores.max_value_coverage import MaxValueCoverage

Y = [1, 0, 0, 0, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (Y, 0.5),
        ([1 - y for y in Y], 0.5),
        ([1, 1, 0, 0, 1, 1, 1, 1], 0.5),
        ([1, 0, 0, 0, 1, 1, 1, 1], 0.5),
        ([0] * 8, 0.5),
        (list(range(8)), 0.125),
    ],
)
def test_golden_numbers_of_outrank(keys, expected, counted):
    assert MaxValueCoverage()(counted(keys, Y)).value == expected
