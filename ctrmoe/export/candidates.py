"""Which raw columns vary by candidate and which belong to all candidates of a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ctrmoe import strict
from ctrmoe.config import ConfigError
from ctrmoe.export.raw_rows import columns_of
from ctrmoe.schema import Schema


@dataclass(frozen=True, slots=True)
class CandidateColumns:
    """The columns of `serve_candidates`.

    Args:
        own: Raw columns that vary by candidate.
        shared: Those that all candidates of a request have in common.
    """

    own: tuple[str, ...]
    shared: tuple[str, ...]

    @classmethod
    def of(cls, columns: Sequence[str], candidates: Sequence[str]) -> CandidateColumns:
        """Divides the served columns.

        Raises:
            ConfigError: If a name is unknown or repeated, or no column is shared.
        """
        for name, count in Counter(candidates).items():
            if name not in columns:
                raise ConfigError(
                    f"`candidates` must name served columns. Received: {name!r}."
                    + strict.suggestion(name, columns)
                )
            if count > 1:
                raise ConfigError(f"`candidates` must not repeat a name. Received twice: {name!r}.")
        shared = tuple(name for name in columns if name not in candidates)
        if not shared:
            raise ConfigError(
                "`candidates` must leave a column that all candidates share. Received: all columns."
            )
        return cls(tuple(candidates), shared)

    def shared_features(self, schema: Schema) -> set[str]:
        """Returns the features that read shared columns alone."""
        own = set(self.own)
        return {feature.name for feature in schema.features if not columns_of(feature) & own}
