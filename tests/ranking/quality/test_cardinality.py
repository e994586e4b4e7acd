import numpy as np
import pytest

from ctrmoe.ranking.quality.cardinality import RELATIVE_ERROR, Cardinality
from ctrmoe.ranking.quality.hashing import mix


def hashes(start, stop):
    return mix(np.arange(start, stop, dtype=np.uint64))


@pytest.mark.parametrize("distinct", [1, 1_000, 400_000])
def test_estimate_is_right_to_two_percent(distinct):
    sketch = Cardinality()

    sketch.update(hashes(0, distinct))

    assert RELATIVE_ERROR < 0.005
    assert sketch.estimate() == pytest.approx(distinct, rel=0.02)


def test_merged_sketches_estimate_what_one_does():
    whole, part, other = Cardinality(), Cardinality(), Cardinality()
    whole.update(hashes(0, 150_000))
    part.update(hashes(70_000, 150_000))
    other.update(hashes(0, 90_000)[::-1])

    part.merge(other)

    assert part.estimate() == whole.estimate()
