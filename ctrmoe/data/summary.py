"""What preparation counts while it writes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from ctrmoe.data.encode import Encoder
from ctrmoe.schema import UNKNOWN, UNLABELLED, SchemaError

FEW_POSITIVES = 20


@dataclass(slots=True)
class PreparedSummary:
    """What preparation did.

    Args:
        rows: Rows of each part.
        positives: Rows with label 1, by part and task.
        vocabulary_sizes: Ids of each feature that has any.
        unknown_rates: Share of unknown ids among those not missing, by part and feature.
        line_breaks: Values that no vocabulary file can hold, by feature.
        no_numbers: How many texts of a numeric feature are no numbers, and the first of them.
        seconds: Time taken.
    """

    rows: dict[str, int] = field(default_factory=dict)
    positives: dict[str, dict[str, int]] = field(default_factory=dict)
    vocabulary_sizes: dict[str, int] = field(default_factory=dict)
    unknown_rates: dict[str, dict[str, float]] = field(default_factory=dict)
    line_breaks: dict[str, int] = field(default_factory=dict)
    no_numbers: dict[str, tuple[int, str]] = field(default_factory=dict)
    seconds: float = 0.0

    def warnings(self) -> list[str]:
        """Returns sentences for what is allowed and yet seldom meant."""
        found = [
            f"`{name}`: texts that are no numbers count as missing, {count:,} of them, such as "
            f"{first!r}. Write numbers as 1234.5."
            for name, (count, first) in self.no_numbers.items()
        ]
        found += [
            f"`{name}`: values with a line break are unknown, {count:,} of them. Replace it."
            for name, count in self.line_breaks.items()
        ]
        for part, rates in self.unknown_rates.items():
            found += [_unknown(part, name, rate) for name, rate in rates.items() if rate > 0.5]
        found += [
            f"The valid part has few rows with label 1 of task `{task}`, {count}: its figures will "
            "be mostly chance. Give it more rows."
            for task, count in self.positives.get("valid", {}).items()
            if count < FEW_POSITIVES
        ]
        if "valid" not in self.rows:
            found.append(
                "There is no valid part: training can't stop early and keeps its last epoch. Give "
                "`--split` or `--valid`."
            )
        return found


def _unknown(part: str, feature: str, rate: float) -> str:
    unknown = f"`{feature}`: {rate:.0%} of the values in the {part} part are unknown"
    if part == "train":
        return f"{unknown}, as they come fewer than `min_count` times. Lower it, or hash them."
    return f"{unknown} to the training part. See that both write them alike, or hash them."


class PartCounts:
    """Counts of one part."""

    def __init__(self) -> None:
        self.rows = 0
        self.positives: dict[str, int] = defaultdict(int)
        self._labels: dict[str, int] = defaultdict(int)
        self._unknown: dict[str, int] = defaultdict(int)
        self._present: dict[str, int] = defaultdict(int)

    def add(
        self, encoder: Encoder, arrays: dict[str, np.ndarray], labels: dict[str, np.ndarray]
    ) -> None:
        """Counts rows that were written."""
        self.rows += len(next(iter(labels.values())))
        for task, array in labels.items():
            self.positives[task] += int(np.count_nonzero(array == 1))
            self._labels[task] += int(np.count_nonzero(array != UNLABELLED))
        for feature in encoder.schema.features:
            if feature.kind != "numeric" and not encoder.schema.owner(feature).hash_buckets:
                ids = arrays[feature.name]
                first = encoder.vocabularies[feature.table].first_value
                present = np.count_nonzero(ids >= UNKNOWN)
                self._present[feature.name] += int(present)
                self._unknown[feature.name] += int(present - np.count_nonzero(ids >= first))

    def unknown_rates(self) -> dict[str, float]:
        """Returns the share of unknown ids among those not missing, by feature."""
        return {name: self._unknown[name] / max(n, 1) for name, n in self._present.items()}

    def check(self, part: str, tasks: list[str]) -> None:
        """Refuses a part without rows, and a validation part that nothing can be measured on.

        Raises:
            SchemaError: When there are no rows, no labels of a task or, for validation, one class.
        """
        if not self.rows:
            raise SchemaError(
                f"The {part} part must have rows. Received: none. Give it another file, or a "
                "larger fraction."
            )
        for task in tasks:
            positives, count = self.positives[task], self._labels[task]
            if not count:
                raise SchemaError(
                    f"The {part} part must have labels of task `{task}`. Received: null in all of "
                    f"{self.rows} rows. Leave the task out of the schema."
                )
            if part == "valid" and positives in (0, count):
                kind = "positive" if not positives else "negative"
                raise SchemaError(
                    f"The valid part must have a {kind} row of task `{task}`, or nothing can be "
                    f"measured on it. Received: none in {count} rows. Give it more rows."
                )
