import numpy as np
import pytest

from ctrmoe.ranking.distinct_sketch import SKETCH_SIZE, DistinctSketch


def test_few_distinct_keys_are_counted_exactly():
    sketch = DistinctSketch()

    sketch.add(np.arange(1000) % 300)
    sketch.add(np.arange(200, 400))

    assert sketch.estimate() == 400


def test_millions_of_distinct_keys_within_two_percent():
    sketch = DistinctSketch()

    for start in range(0, 8_000_000, 500_000):
        sketch.add(np.arange(start, start + 600_000))

    assert abs(sketch.estimate() / 8_100_000 - 1) < 0.02


def test_merged_sketches_are_the_sketch_of_all_keys():
    first, second, whole = DistinctSketch(), DistinctSketch(), DistinctSketch()
    keys = np.arange(3 * SKETCH_SIZE)

    first.add(keys[: 2 * SKETCH_SIZE])
    second.add(keys[SKETCH_SIZE:])
    whole.add(keys[::-1])
    second.merge(first)

    assert second.estimate() == whole.estimate()


def test_smaller_sketch_is_less_exact():
    sketch = DistinctSketch(1_024)

    for start in range(0, 200_000, 5_000):
        sketch.add(np.arange(start, start + 10_000))

    assert sketch.estimate() == pytest.approx(205_000, rel=0.12)
