"""Click logs with a known truth: several domains and tasks, Zipf vocabularies, second order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ctrmoe.data.atomic import atomic_folder
from ctrmoe.data.parquet import AtomicParquetWriter
from ctrmoe.data.synthetic_truth import Sampler, Truth, zipf
from ctrmoe.data.synthetic_values import RawValues
from ctrmoe.schema import Feature, Schema, Task

BLOCK_ROWS = 1 << 16
"""Rows drawn from one seed: the same rows come out whatever the size of the chunks."""

_MAX_TAGS = 4
_NUM_TAGS = 30
_START = 1_700_000_000
_TRUTH, _NAMES, _ROWS = range(3)


@dataclass(frozen=True, kw_only=True)
class SyntheticClicks:
    """Draws impressions whose probability of every label is known.

    Each value `v` of a feature has a latent vector `φ(v)`, with mean zero under its Zipf law. For
    task `t` in a domain `d` of cluster `c`,

        logit = b[t,d] + main_effect·M + second_order·S
        M     = Σ_f w[t,c,f]·φ(v_f) + Σ_i w[t,c,i]·z_i + Σ_i w'[t,c,i]·missing_i
        S     = Σ_(f,g) s[t,c,f]·φ(v_f)·φ(v_g) + s[t,c]·φ(item)·φ(history) + s'[t,c]·z_0·z_1

    where `f` runs over the categoricals, tags and history (by the mean of `φ`), `(f,g)` over
    neighbouring categoricals and `z_i` is a standardised logarithm. `M` and `S` are scaled to
    variance one, and `b` gives the share of positives that was asked for, of deviation 0.4 between
    domains. As `φ` is centred, no sum of effects of single features explains any of `S`: what a
    model gains there, it gains by interactions. The weights share a third of their variance with
    all tasks and clusters and a third with the clusters of their task. Every input of the truth is
    a column.

    Columns: `timestamp` (one impression a second), `placement` (the domain), the vocabularies
    (integers and strings in turn), `number_0` … (log-normal, whole
    numbers in turn, some missing), `tags` (zero to four), `history` (earlier items, oldest first,
    a tenth of them empty), and for each task its 0/1 label and `<task>_true_probability`. The AUC
    of that probability is the highest that any model can expect: the Bayes AUC.

    Args:
        seed: Of the truth and of the rows.
        num_domains: Placements, of falling size.
        num_clusters: Groups of domains that share their effects.
        tasks: Share of positives of each task.
        vocabulary_sizes: Number of values of each categorical; `user_id` and `item_id` must be
            among them. Neighbours in this order interact.
        num_numeric: Number of numeric features.
        max_history: Longest history.
        zipf_exponent: The value of rank k is drawn with probability proportional to k^-exponent.
        missing_rate: Share of nulls in each numeric and each categorical other than `placement`,
            `user_id` and `item_id`.
        main_effect: Standard deviation of the first-order part of the logit.
        second_order: Standard deviation of the second-order part of the logit.

    Raises:
        ValueError: If an argument breaks one of these rules.

    Example:
        >>> clicks = SyntheticClicks(seed=1, tasks={"click": 0.1})
        >>> train, test = clicks.frame(1000), clicks.frame(100, start=1000)
        >>> clicks.schema().group
        'user_id'
    """

    seed: int = 0
    num_domains: int = 4
    num_clusters: int = 2
    tasks: Mapping[str, float] = field(default_factory=lambda: {"click": 0.2, "conversion": 0.05})
    vocabulary_sizes: Mapping[str, int] = field(
        default_factory=lambda: {
            "user_id": 20_000,
            "item_id": 5_000,
            "advertiser_id": 300,
            "category": 40,
            "city_id": 500,
            "device": 8,
        }
    )
    num_numeric: int = 3
    max_history: int = 20
    zipf_exponent: float = 1.1
    missing_rate: float = 0.05
    main_effect: float = 0.8
    second_order: float = 0.8

    def __post_init__(self) -> None:
        sizes, rates, columns = self.vocabulary_sizes, self.tasks.values(), self._columns
        few = 1 <= self.num_clusters <= self.num_domains
        _check("num_clusters", self.num_clusters, few, "lie between 1 and `num_domains`")
        shares = bool(rates) and all(0 < rate < 1 for rate in rates)
        _check("tasks", self.tasks, shares, "give one or more tasks a share between 0 and 1")
        named = {"user_id", "item_id"} <= set(sizes) and min(sizes.values()) >= 2
        _check("vocabulary_sizes", sizes, named, "hold `user_id` and `item_id`, 2 values or more")
        _check("num_numeric", self.num_numeric, self.num_numeric >= 0, "not be negative")
        _check("max_history", self.max_history, self.max_history >= 1, "be at least 1")
        share = 0 <= self.missing_rate < 1
        _check("missing_rate", self.missing_rate, share, "lie between 0 and 1")
        differ = len(set(columns)) == len(columns)
        _check("tasks", self.tasks, differ, f"not repeat a column. The columns are {columns}")

    def schema(self) -> Schema:
        """Returns what the columns mean; `schema().dumps()` is the text of the schema file."""
        categoricals = ["placement", *self.vocabulary_sizes]
        features = [
            *(Feature(name=name, kind="categorical") for name in categoricals),
            *(Feature(name=name, kind="numeric", transform="log") for name in self._numbers),
            Feature(name="tags", kind="categorical", max_length=_MAX_TAGS),
            Feature(
                name="history", kind="sequence", max_length=self.max_history, vocabulary="item_id"
            ),
        ]
        return Schema(
            name="synthetic-clicks",
            domain="placement",
            group="user_id",
            timestamp="timestamp",
            tasks=tuple(Task(name=task) for task in self.tasks),
            features=tuple(features),
        )

    def frame(self, rows: int, start: int = 0) -> pl.DataFrame:
        """Returns rows `start` to `start + rows` of the endless table.

        Args:
            rows: Number of rows.
            start: First row; parts that do not overlap are a train and a test set of one truth.
        """
        return pl.concat(self._blocks(rows, start))

    def chunks(self, rows: int, chunk_rows: int, start: int = 0) -> Iterator[pl.DataFrame]:
        """Yields the rows of `frame` in chunks, holding one of them at a time.

        Args:
            rows: Number of rows.
            chunk_rows: Rows of every chunk but the last.
            start: First row.
        """
        _check("chunk_rows", chunk_rows, chunk_rows >= 1, "be at least 1")
        held = pl.DataFrame()
        for block in self._blocks(rows, start):
            held = pl.concat([held, block]) if held.height else block
            while held.height >= chunk_rows:
                yield held.head(chunk_rows)
                held = held.slice(chunk_rows)
        if held.height:
            yield held

    def write(
        self,
        folder: str | Path,
        rows: int,
        *,
        start: int = 0,
        rows_per_file: int = 1_000_000,
        row_group_rows: int = 131_072,
    ) -> None:
        """Writes a folder of parquet files, whole or not at all, in bounded memory.

        Args:
            folder: Must be empty or not exist.
            rows: Number of rows.
            start: First row.
            rows_per_file: Rows of every `part-*.parquet` but the last.
            row_group_rows: Rows of every row group but the last of a file.

        Raises:
            SchemaError: When the folder holds something or can't be written to.
        """
        _check("rows", rows, rows >= 1, "be at least 1")
        _check("rows_per_file", rows_per_file, rows_per_file >= 1, "be at least 1")
        with atomic_folder(folder) as partial:
            for part, first in enumerate(range(0, rows, rows_per_file)):
                size = min(rows_per_file, rows - first)
                with AtomicParquetWriter(partial / f"part-{part:05d}.parquet") as writer:
                    for chunk in self.chunks(size, row_group_rows, start + first):
                        writer.write(chunk, row_group_rows)

    @property
    def _numbers(self) -> list[str]:
        return [f"number_{i}" for i in range(self.num_numeric)]

    @property
    def _columns(self) -> list[str]:
        features = ["placement", *self.vocabulary_sizes, *self._numbers, "tags", "history"]
        return ["timestamp", *features, *self.tasks, *(f"{t}_true_probability" for t in self.tasks)]

    def _blocks(self, rows: int, start: int) -> Iterator[pl.DataFrame]:
        _check("rows", rows, rows >= 1, "be at least 1")
        _check("start", start, start >= 0, "not be negative")
        for block in range(start // BLOCK_ROWS, (start + rows - 1) // BLOCK_ROWS + 1):
            first = block * BLOCK_ROWS
            begin, end = max(start - first, 0), min(start + rows - first, BLOCK_ROWS)
            yield self._block(block).slice(begin, end - begin)

    def _block(self, block: int) -> pl.DataFrame:
        rng = np.random.default_rng([self.seed, _ROWS, block])
        draw = self._sampler.draw(rng, BLOCK_ROWS)
        probabilities = self._truth.probabilities(draw)
        labels = rng.random(probabilities.shape) < probabilities
        first = _START + block * BLOCK_ROWS
        columns = [
            pl.Series(np.arange(first, first + BLOCK_ROWS)),
            *self._values.columns(draw),
            *(pl.Series(column) for column in labels.T.astype(np.int8)),
            *(pl.Series(column) for column in probabilities.T),
        ]
        return pl.DataFrame(dict(zip(self._columns, columns, strict=True)))

    @cached_property
    def _sampler(self) -> Sampler:
        exponent = self.zipf_exponent
        sizes = self.vocabulary_sizes
        return Sampler(
            domains=zipf(self.num_domains, 0.8),
            vocabularies={name: zipf(size, exponent) for name, size in sizes.items()},
            tags=zipf(_NUM_TAGS, exponent),
            num_numeric=self.num_numeric,
            max_tags=_MAX_TAGS,
            max_history=self.max_history,
            missing_rate=self.missing_rate,
        )

    @cached_property
    def _truth(self) -> Truth:
        return Truth(
            np.random.default_rng([self.seed, _TRUTH]),
            self._sampler,
            self.num_clusters,
            list(self.tasks.values()),
            (self.main_effect, self.second_order),
        )

    @cached_property
    def _values(self) -> RawValues:
        rng = np.random.default_rng([self.seed, _NAMES])
        return RawValues(rng, self.vocabulary_sizes, self.num_domains, _NUM_TAGS)


def _check(name: str, value: Any, holds: bool, rule: str) -> None:
    if not holds:
        raise ValueError(f"`{name}` must {rule}. Received: {name}={value}.")
