"""A score by a model, of the features of a schema."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from ctrmoe import strict
from ctrmoe.data import columns
from ctrmoe.data.sources import UNNAMED
from ctrmoe.ranking.controls import LABELS, Control
from ctrmoe.ranking.estimate import UNDEFINED, Estimate, columns_of
from ctrmoe.ranking.keys import feature_keys
from ctrmoe.ranking.surrogates.base import Surrogate
from ctrmoe.ranking.surrogates.build import name_of
from ctrmoe.ranking.surrogates.categories import Categories
from ctrmoe.ranking.surrogates.row_sample import RowSample
from ctrmoe.ranking.transformed import keys_by_formula
from ctrmoe.schema import Schema, SchemaError, Task


class Sampled:
    """Draws rows while a table is read, and scores the features by a model of them.

    Args:
        surrogate: The score.
        schema: Its features are scored against its tasks.
        controls: Features of known worth that are scored too, the labels among them not.
        seed: Of the sample and of the controls.

    Raises:
        SchemaError: When a reference of the surrogate is no feature.
    """

    def __init__(
        self,
        surrogate: Surrogate,
        schema: Schema,
        controls: Sequence[Control] = (),
        seed: int = 0,
    ) -> None:
        self._surrogate, self._schema = surrogate, schema
        # A model that sees the label looks at nothing else.
        self._controls = [control for control in controls if control.feature.name not in LABELS]
        self._sample = RowSample(surrogate.rows, seed)
        self._seed = seed
        known = [feature.name for feature in schema.features]
        for name in surrogate.reference:
            if name not in known:
                raise SchemaError(
                    f"`reference` must name features. Received: {name!r}."
                    + strict.suggestion(name, known)
                )

    @property
    def rows(self) -> int:
        """Most rows that are drawn."""
        return self._surrogate.rows

    def add(self, frame: pl.DataFrame, numbers: np.ndarray) -> None:
        """Draws from a chunk of raw rows with these numbers."""
        self._sample.add(frame, numbers)

    def merge(self, other: Sampled) -> None:
        """Adds the rows that were drawn from others."""
        self._sample.merge(other._sample)

    def scored(self, rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
        """Returns the rows of a ranking with the columns of this score."""
        found = {task.name: self.estimates(task) for task in self._schema.tasks}
        name = name_of(self._surrogate)

        def columns_for(row: dict[str, object]) -> dict[str, float]:
            return columns_of({name: found[str(row["task"])].get(str(row["feature"]), UNDEFINED)})

        return [row | columns_for(row) for row in rows]

    def estimates(self, task: Task) -> dict[str, Estimate]:
        """Returns the score of each feature against a task.

        None has one where the sample does not hold both labels.
        """
        frame, numbers = self._sample.rows()
        labels = columns.labels(frame[task.label], UNNAMED)
        labelled = labels >= 0
        frame, numbers, labels = (
            frame.filter(pl.Series(labelled)),
            numbers[labelled],
            labels[labelled],
        )
        if len(np.unique(labels)) < 2:
            return {}
        features = {
            feature.name: Categories.of_keys(
                keys_by_formula(feature_keys(frame, feature, UNNAMED), feature),
                feature.buckets if feature.kind == "numeric" else 0,
            )
            for feature in self._schema.features
        }
        for control in self._controls:
            keys = control.keys(numbers, labels, self._seed)
            bins = control.feature.buckets if control.feature.kind == "numeric" else 0
            features[control.feature.name] = Categories.of_keys(keys, bins)
        return self._surrogate(features, labels)
