"""A call cut into requests, and their answers joined again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ctrmoe.schema import SchemaError
from ctrmoe.serving.client.raw_rows import Arrays, Rows, arrays_of, as_frame
from ctrmoe.serving.client.signature import Signature


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered.

    Args:
        outputs: An array for each output.
        version: That answered, where the server says so.
    """

    outputs: Arrays
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """Rows, or candidates and what they share, that are to be scored.

    Args:
        rows: One for each probability.
        shared: One row that all of them share, or none.
    """

    rows: pl.DataFrame
    shared: pl.DataFrame | None = None

    @classmethod
    def of(cls, rows: Rows, shared: Rows | None = None) -> Call:
        """Makes frames of raw rows; `shared` is one row as a dict."""
        if shared is None:
            return cls(as_frame(rows))
        return cls(as_frame(rows), as_frame([shared]))

    def pieces(self, signature: Signature, size: int) -> list[Arrays]:
        """Returns the inputs of requests of at most `size` rows."""
        arrays, repeated = self._arrays(signature)
        return [
            {
                name: array if name in repeated else array[start : start + size]
                for name, array in arrays.items()
            }
            for start in range(0, self.rows.height, size)
        ]

    def _arrays(self, signature: Signature) -> tuple[Arrays, set[str]]:
        if self.shared is None:
            return arrays_of(self.rows, signature.inputs), set()
        columns = self.shared.columns
        once = [of for of in signature.inputs if of.is_shared or of.name in columns]
        # What neither holds is missing for each: the metadata does not say which are shared, and
        # a shared column may have a row for each candidate.
        each = [of for of in signature.inputs if of not in once]
        twice = [of.name for of in once if of.name in self.rows.columns]
        if twice:
            raise SchemaError(
                "`candidates` must not hold what `shared` holds or the model shares. Received: "
                f"{', '.join(twice)}."
            )
        arrays = arrays_of(self.shared, once) | arrays_of(self.rows, each)
        return arrays, {of.name for of in once}


def joined(answers: Sequence[Answer], signature: Signature) -> pl.DataFrame:
    """Returns a float32 column for each output, the rows in the order of the requests."""
    columns = {
        name: np.concatenate([np.reshape(a.outputs[name], -1) for a in answers])
        if answers
        else np.empty(0)
        for name in signature.outputs
    }
    return pl.DataFrame({name: column.astype(np.float32) for name, column in columns.items()})
