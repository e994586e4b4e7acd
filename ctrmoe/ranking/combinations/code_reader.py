"""Reads the categories of features into memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ctrmoe.ahead import ahead
from ctrmoe.data import columns
from ctrmoe.data.parquet import read_files
from ctrmoe.data.sources import SourceFile
from ctrmoe.ranking.combinations.codes import Codes
from ctrmoe.ranking.encoder import Encoder
from ctrmoe.ranking.keys import feature_keys
from ctrmoe.schema import Schema, Task


class CodeReader:
    """Reads the rows of a task again, now as the categories that they were counted in.

    Args:
        files: The table.
        schema: Its features.
        task: Whose labels; rows without one are left out.
        encoders: Of each feature.
        rows: Number of rows with a label.
        chunk_rows: Rows read at once.
        threads: Over the features.
        on_rows: Called with the number of rows of each chunk that is done.
    """

    def __init__(
        self,
        files: Sequence[SourceFile],
        schema: Schema,
        task: Task,
        encoders: Mapping[str, Encoder],
        rows: int,
        chunk_rows: int,
        threads: int,
        on_rows: Callable[[int], None] | None = None,
    ) -> None:
        self.encoders, self.rows, self.task = encoders, rows, task.name
        self._files, self._schema, self._label = files, schema, task.label
        self._chunk_rows, self._threads, self._on_rows = chunk_rows, threads, on_rows
        self._held: Codes | None = None

    def widths(self, names: Sequence[str]) -> dict[str, int]:
        """Returns how many bytes the categories of each feature take."""
        return {name: self.rows * self.encoders[name].dtype.itemsize for name in names}

    def read(self, names: Sequence[str]) -> Codes:
        """Reads the categories of these features in one pass, unless they are held.

        The reader holds what it returned last, so that nothing is read twice where all fits into
        memory; whoever calls it lets go of that first.

        Raises:
            SchemaError: When a column or a value does not fit the schema.
        """
        if self._held is not None and self._held.columns.keys() >= set(names):
            return self._held
        self._held = None
        encoders = {name: self.encoders[name] for name in names}
        features = {feature.name: feature for feature in self._schema.features}
        codes = Codes(
            {name: np.zeros(self.rows, encoder.dtype) for name, encoder in encoders.items()},
            {name: encoder.categories for name, encoder in encoders.items()},
            {name: encoder.missing for name, encoder in encoders.items()},
            np.zeros(self.rows, np.uint8),
        )
        inputs = [column.name for name in names for column in features[name].inputs]
        done, read = 0, list(dict.fromkeys([*inputs, self._label]))
        with ThreadPoolExecutor(self._threads) as pool:
            for frame, where, _ in ahead(
                read_files(self._files, read, self._schema, self._chunk_rows)
            ):
                labels = columns.labels(frame[self._label], where)
                chosen = labels >= 0
                place = slice(done, done + int(np.count_nonzero(chosen)))
                codes.labels[place] = labels[chosen]

                def encode(name: str) -> None:
                    keys = feature_keys(frame, features[name], where).values  # noqa: B023
                    codes.columns[name][place] = encoders[name].codes(keys[chosen])  # noqa: B023

                list(pool.map(encode, names))
                done = place.stop
                if self._on_rows:
                    self._on_rows(len(frame))
        self._held = codes
        return codes
