import dataclasses

import numpy as np

from ctrmoe.explain.slices import Slice, slices_of
from ctrmoe.schema import UNLABELLED


def test_all_rows_then_domains_by_size_then_labels(sample):
    labels = np.full(len(sample), UNLABELLED, np.int8)
    labels[:5] = 1
    some = dataclasses.replace(sample, labels={"click": sample.labels["click"], "rare": labels})
    counts = {name: (sample.domains == name).sum() for name in set(sample.domains)}
    largest = sorted(counts, key=lambda name: -counts[name])[:2]

    found = slices_of(some, max_domains=2)

    assert list(found) == [
        Slice(),
        *(Slice(domain=name) for name in largest),
        Slice(task="click", label=0),
        Slice(task="click", label=1),
        Slice(task="rare", label=1),
    ]
    assert found[Slice()].sum() == len(sample)
    assert found[Slice(domain=largest[0])].sum() == counts[largest[0]]
    np.testing.assert_array_equal(found[Slice(task="click", label=0)], sample.labels["click"] == 0)
    assert found[Slice(task="rare", label=1)].sum() == 5


def test_rows_without_domain_and_labels(sample):
    bare = dataclasses.replace(sample, labels={}, domains=None)

    assert list(slices_of(bare, 3)) == [Slice()]
