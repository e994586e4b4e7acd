"""Refuses rows whose domain the training part does not have, where the schema asks for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from ctrmoe.data.columns import is_missing
from ctrmoe.data.derived import canonical_values
from ctrmoe.data.encode import Encoder
from ctrmoe.data.packed import DOMAIN
from ctrmoe.data.sources import Origin
from ctrmoe.data.vocabulary import Vocabulary
from ctrmoe.schema import UNKNOWN, Feature, SchemaError


def check_domains(
    encoder: Encoder, frame: pl.DataFrame, ids: np.ndarray | None, where: Origin
) -> None:
    """Refuses raw rows of an unknown domain where the schema says so; a missing one is no such.

    Args:
        encoder: What encoded the rows.
        frame: The raw rows.
        ids: Those of their domains, None where there are none.
        where: Names the chunk.

    Raises:
        SchemaError: With the first such row.
    """
    schema = encoder.schema
    if schema.unknown_domains == "fallback" or ids is None:
        return
    unknown = _unknown(ids, encoder.vocabularies[DOMAIN])
    if unknown.any():
        row = int(unknown.argmax())
        raise _error(schema.domain, frame[schema.domain][row], where.row(row))


class SplitDomains:
    """Remembers the domains of the rows that a split keeps from the training part.

    They can be checked once the training part is known, that is after the last row. A chunk costs
    as many entries as it has domains that were not met before.

    Args:
        domain: The feature that rules the domain's vocabulary.
    """

    def __init__(self, domain: Feature) -> None:
        self._domain = domain
        self._first: dict[str | int, tuple[Any, str]] = {}

    def add(self, frame: pl.DataFrame, where: Origin, rows: np.ndarray) -> None:
        """Notes the domains of the rows that a mask picks."""
        values = canonical_values(frame, self._domain, where).values
        places = np.flatnonzero(rows & ~is_missing(values).to_numpy())
        picked = values.gather(places)
        first = places[np.sort(picked.arg_unique().to_numpy())]
        for row, value in zip(first.tolist(), values.gather(first), strict=True):
            self._first.setdefault(value, (frame[self._domain.name][row], where.row(row)))

    def check(self, vocabulary: Vocabulary) -> None:
        """Refuses a domain that the training part does not have, with the first row of it."""
        ids = vocabulary.ids(pl.Series(map(str, self._first), dtype=pl.String))
        for place, unknown in zip(self._first.values(), _unknown(ids, vocabulary), strict=True):
            if unknown:
                raise _error(self._domain.name, *place)


def _unknown(ids: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    return (ids >= UNKNOWN) & (ids < vocabulary.first_value)


def _error(column: str, value: Any, place: str) -> SchemaError:
    return SchemaError(
        f"Domain `{column}` must be one of the training part's. Received: {value!r} in {place}. "
        "Mend the value, leave the row out or train with rows of it; `unknown_domains = "
        '"fallback"` in the schema takes it as no known domain.'
    )
