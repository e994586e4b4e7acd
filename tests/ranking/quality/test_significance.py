import pytest

from ctrmoe.ranking.quality.significance import differs


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((500, 1_000, 400, 1_000), False),  # 4.5 standard errors
        ((500, 1_000, 380, 1_000), True),  # 5.4
        ((0, 1_000, 0, 1_000), False),
        ((1, 1, 0, 1), False),
        ((0, 0, 5, 10), False),
    ],
)
def test_shares_differ_beyond_five_standard_errors(shares, expected):
    assert differs(*shares) is expected
