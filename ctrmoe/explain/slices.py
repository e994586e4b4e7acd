"""The parts of a sample that means are taken over: all rows, a domain, a label of a task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ctrmoe.explain.sample import Sample


@dataclass(frozen=True, slots=True)
class Slice:
    """Some rows of a sample.

    Args:
        domain: Of this domain; None for any.
        task: With the label of this task; None for any.
        label: The label.
    """

    domain: str | None = None
    task: str | None = None
    label: int | None = None


def slices_of(sample: Sample, max_domains: int) -> dict[Slice, np.ndarray]:
    """Returns the mask of each slice that has rows.

    The first holds all rows; those of the domains follow by falling size, at most `max_domains`,
    then the labels of each task.
    """
    found = {Slice(): np.ones(len(sample), bool)}
    if sample.domains is not None:
        names, counts = np.unique(sample.domains.astype(str), return_counts=True)
        for index in np.argsort(-counts, kind="stable")[:max_domains]:
            found[Slice(domain=str(names[index]))] = sample.domains == names[index]
    for task, labels in sample.labels.items():
        for label in (0, 1):
            if (labels == label).any():
                found[Slice(task=task, label=label)] = labels == label
    return found
