"""How the draws of `SyntheticClicks` look in its raw table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa

from ctrmoe.data.synthetic_truth import Codes, Draw


class RawValues:
    """Names the values: which integer or text a user, an item, a tag has.

    The names are in random order, so that they say nothing of how frequent a value is.

    Args:
        rng: Draws the order of the names.
        vocabulary_sizes: Of the categoricals, integers and texts in turn.
        num_domains: Number of domains.
        num_tags: Number of tags.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        vocabulary_sizes: Mapping[str, int],
        num_domains: int,
        num_tags: int,
    ) -> None:
        self._domains = _texts("placement", rng.permutation(num_domains))
        self._tags = _texts("tag", rng.permutation(num_tags))
        self._values = {
            name: _texts(name.removesuffix("_id"), order) if i % 2 else pl.Series(order)
            for i, (name, size) in enumerate(vocabulary_sizes.items())
            for order in [rng.permutation(size)]
        }

    def columns(self, draw: Draw) -> list[pl.Series]:
        """Returns the domain, the categoricals, the numbers, tags and history, in this order."""
        values = self._values
        return [
            self._domains.gather(draw.domains),
            *(_gather(values[name], codes) for name, codes in draw.codes.items()),
            *(pl.Series(numbers, nan_to_null=True) for numbers in draw.numbers.T),
            _gather_lists(self._tags, draw.tags),
            _gather_lists(values["item_id"], draw.history),
        ]


def _texts(stem: str, numbers: Codes) -> pl.Series:
    return pl.select(pl.format("{}_{}", pl.lit(stem), pl.Series(numbers))).to_series()


def _gather(values: pl.Series, codes: Codes) -> pl.Series:
    """The raw value of each code, null for -1."""
    index = pl.Series(codes)
    return values.gather(index.set(index < 0, None))


def _gather_lists(values: pl.Series, lists: Codes) -> pl.Series:
    present = lists >= 0
    offsets = np.concatenate([[0], np.cumsum(present.sum(axis=1))])
    flat = values.gather(lists[present]).to_arrow()
    return pl.Series(pa.LargeListArray.from_arrays(offsets, flat))
