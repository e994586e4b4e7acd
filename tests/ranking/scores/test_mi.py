import pytest
from sklearn.metrics import mutual_info_score

from ctrmoe.ranking.scores.mi import MI

Y = [1, 0, 0, 0, 1, 1, 1, 0]
# Of OutRank 0.97.5's golden columns.
GOLDEN = {
    "itself": (Y, 0.693147),
    "reversed": ([1 - y for y in Y], 0.693147),
    "medium": ([1, 1, 0, 0, 1, 1, 1, 1], 0.215762),
    "high": ([1, 0, 0, 0, 1, 1, 1, 1], 0.380396),
    "constant": ([0] * 8, 0.0),
    "unique ids": (list(range(8)), 0.693147),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_numbers(name, counted):
    keys, expected = GOLDEN[name]

    found = MI()(counted(keys, Y)).value

    assert found == pytest.approx(expected, abs=1e-6)
    assert found == pytest.approx(mutual_info_score(keys, Y), abs=1e-12)
