"""Features whose worth is known, to rank beside those of a table."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from ctrmoe.ranking.contingency_table import CLASSES, FOLDS, ContingencyTable
from ctrmoe.ranking.keys import KEY_BITS, Keys, mixed, number_keys
from ctrmoe.schema import Feature, Schema, SchemaError

FLIPPED = 0.3
"""Share of the rows in which the noisy label is the other one."""
LABELS = ("control:label", "control:noisy_label")
"""The controls that are no noise."""
MAX_PERMUTED_ROWS = 10**9
"""NumPy draws no more from a hypergeometric distribution."""


@dataclass(frozen=True, slots=True)
class Control:
    """A feature that is made of the number of a row and its label.

    Args:
        feature: What it is ranked as.
        values: Makes its values of 64 random bits and the label of each row.
    """

    feature: Feature
    values: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def keys(self, rows: np.ndarray, labels: np.ndarray, seed: int) -> Keys:
        """Returns the keys of rows, the same in whatever chunk a row comes.

        Args:
            rows: Number of each row in the whole table.
            labels: 0 or 1 by row; what comes of another label does not count.
            seed: Another seed, other noise.
        """
        name = zlib.crc32(self.feature.name.encode())
        salt = mixed(mixed(np.array([seed])) ^ np.uint64(name))
        values = self.values(mixed(mixed(rows) ^ salt), labels)
        return Keys(number_keys(values) if self.feature.kind == "numeric" else values)


def _categories(count: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda bits, labels: (bits % np.uint64(count)).astype(np.int64)


def _shares(bits: np.ndarray) -> np.ndarray:
    """Returns a number between 0 and 1, both excluded."""
    return ((bits >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52


def _noisy(bits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return labels.astype(np.int64) ^ (_shares(bits) < FLIPPED)


def _control(
    name: str, values: Callable[[np.ndarray, np.ndarray], np.ndarray], is_number: bool = False
) -> Control:
    if is_number:
        return Control(Feature(name=f"control:{name}", kind="numeric"), values)
    return Control(Feature(name=f"control:{name}", kind="categorical", dtype="integer"), values)


CONTROLS = (
    _control("constant", _categories(1)),
    _control("gaussian", lambda bits, _: ndtri(_shares(bits)).astype(np.float32), True),
    _control("uniform", lambda bits, _: _shares(bits).astype(np.float32), True),
    *(
        _control(f"noise_{count}", _categories(count))
        for count in (2, 10, 100, 2_000, 10_000, 50_000)
    ),
    _control("unique", lambda bits, _: (bits >> np.uint64(64 - KEY_BITS)).astype(np.int64)),
    _control("label", lambda _, labels: labels.astype(np.int64)),
    _control("noisy_label", _noisy),
)
"""Noise of several cardinalities, the label itself and the label with errors."""
PERMUTED_LABEL = Feature(name="control:permuted_label", kind="categorical", dtype="integer")
"""The label in a random order: drawn when all rows are counted."""


def check_names(schema: Schema, controls: Iterable[Control]) -> None:
    """Refuses a feature that is called like a control.

    Raises:
        SchemaError: With its name.
    """
    taken = {control.feature.name for control in controls}
    for feature in schema.features:
        if feature.name in taken:
            raise SchemaError(
                f"`{feature.name}` must not be called like a control. Rename the feature, or rank "
                "without controls."
            )


def permuted_label(rows: np.ndarray, seed: int) -> ContingencyTable | None:
    """Draws what the labels in a random order would count as a feature.

    Of all orders of n labels, k of them 1, those that fall on the rows of a fold and a label are
    hypergeometric: the table has the distribution of one counted from permuted labels. None where
    there are more rows than NumPy draws from.

    Args:
        rows: Rows by fold and label.
        seed: Of the draw.
    """
    if rows.sum() >= MAX_PERMUTED_ROWS:
        return None
    positives = int(rows[:, 1].sum())
    draws = np.random.default_rng([seed, positives])
    ones = draws.multivariate_hypergeometric(rows.ravel(), positives, method="marginals")
    counts = np.stack([rows.ravel() - ones, ones])
    return ContingencyTable.of_counts(counts.reshape(-1, FOLDS, CLASSES))
