from collections import Counter

import numpy as np
import pytest

from ctrmoe.ranking.combinations.codes import JointIndex
from ctrmoe.ranking.combinations.joint_counts import JointCounts


@pytest.mark.parametrize("values", [4, 100, 70_000], ids=["counted", "sorted", "long"])
def test_counts_are_those_of_a_loop(codes_of, values):
    random = np.random.default_rng(4)
    a, b = random.integers(0, values, 40)[random.integers(0, 40, (2, 900))]
    labels = random.integers(0, 2, 900)
    index = JointIndex(codes_of(labels, a=a, b=b), ["a", "b"])

    counts = JointCounts.of_rows(index, labels.astype(np.uint8))

    rows = list(zip(a.tolist(), b.tolist(), strict=True))
    sizes, positives = Counter(rows), Counter(r for r, y in zip(rows, labels, strict=True) if y)
    places = list(zip(*(m.tolist() for m in index.members(counts.places)), strict=True))
    assert places == sorted(sizes)
    assert counts.sizes.tolist() == [sizes[place] for place in places]
    assert counts.positives.tolist() == [positives[place] for place in places]
