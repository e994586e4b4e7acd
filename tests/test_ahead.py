import threading

import pytest

from ctrmoe.ahead import ahead


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("length", [0, 1, 7])
def test_items_come_in_order(length, count):
    assert list(ahead(range(length), count)) == list(range(length))


def test_next_items_are_computed_before_they_are_asked_for():
    computed = [threading.Event() for _ in range(4)]

    def items():
        for number, event in enumerate(computed):
            event.set()
            yield number

    iterator = ahead(items(), 2)
    assert next(iterator) == 0
    # Nothing but the thread runs now: it must reach the items 1 and 2 by itself.
    assert computed[1].wait(10) and computed[2].wait(10)
    assert not computed[3].is_set()
    iterator.close()


def test_error_is_raised_at_its_place():
    def items():
        yield 1
        yield 2
        raise ValueError("third")

    seen = []
    with pytest.raises(ValueError, match="third"):
        for item in ahead(items(), 2):
            seen.append(item)
    assert seen == [1, 2]
