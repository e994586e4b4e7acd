import pytest

from ctrmoe.ranking.memory import MAX_VALUES, bytes_in, bytes_of, gibibytes, values_within
from ctrmoe.schema import SchemaError


def test_values_fit_within_the_memory():
    assert values_within(64 << 20, 12) == 65_536
    assert bytes_of(12, 65_536) <= 64 << 20 < bytes_of(12, 2 * 65_536)
    assert values_within(1 << 50, 1) == MAX_VALUES


def test_too_little_memory():
    with pytest.raises(SchemaError, match="`memory` must be at least 0.001 GiB for 12 tables"):
        values_within(1_000, 12)


def test_memory_that_a_message_names_is_enough():
    assert bytes_in(float(gibibytes(1_234_567))) >= 1_234_567
    assert gibibytes(2 << 30) == "2"
    assert gibibytes(1) == "0.0001"


@pytest.mark.parametrize("memory", [0.0, -1.0, float("nan"), float("inf")])
def test_memory_that_is_none(memory):
    with pytest.raises(SchemaError, match="`memory` must be a number of GiB above 0. Received: "):
        bytes_in(memory)
