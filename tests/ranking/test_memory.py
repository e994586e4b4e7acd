import pytest

from ctrmoe.ranking.memory import MAX_VALUES, bytes_of, values_within
from ctrmoe.schema import SchemaError


def test_values_fit_within_the_memory():
    assert values_within(64 << 20, 12) == 65_536
    assert bytes_of(12, 65_536) <= 64 << 20 < bytes_of(12, 2 * 65_536)
    assert values_within(1 << 50, 1) == MAX_VALUES


def test_too_little_memory():
    with pytest.raises(SchemaError, match="`memory` must be at least 0.001 GiB for 12 tables"):
        values_within(1_000, 12)
