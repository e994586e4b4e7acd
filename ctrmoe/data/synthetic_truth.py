"""What `SyntheticClicks` draws and the probabilities that it draws labels from."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RANK = 4
_DOMAIN_DEVIATION = 0.4

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Codes = NDArray[np.int64]


def zipf(size: int, exponent: float) -> Doubles:
    """Returns probabilities of `size` values proportional to rank^-exponent."""
    weights = np.arange(1, size + 1, dtype=np.float64) ** -exponent
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class Draw:
    """The features of some rows; values are ranks in their vocabulary, -1 where missing.

    Args:
        domains: `[B]`.
        codes: Of each categorical, `[B]`.
        numbers: As the table shows them, NaN where missing, `[B, numbers]`.
        tags: `[B, longest]`, the absent ones last.
        history: `[B, longest]`, the absent ones last.
    """

    domains: Codes
    codes: dict[str, Codes]
    numbers: Doubles
    tags: Codes
    history: Codes


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """The law of the features, all independent of each other.

    Args:
        domains: Probabilities of the domains.
        vocabularies: Probabilities of the values of each categorical.
        tags: Probabilities of the tags.
        num_numeric: Number of numeric features.
        max_tags: Most tags of a row.
        max_history: Longest history.
        missing_rate: Share of missing numbers, and of missing values of all categoricals but the
            user and the item.
    """

    domains: Doubles
    vocabularies: Mapping[str, Doubles]
    tags: Doubles
    num_numeric: int
    max_tags: int
    max_history: int
    missing_rate: float

    def draw(self, rng: np.random.Generator, rows: int) -> Draw:
        """Draws rows."""
        codes = {name: _values(rng, law, rows) for name, law in self.vocabularies.items()}
        for name, values in codes.items():
            if name not in ("user_id", "item_id"):
                values[rng.random(rows) < self.missing_rate] = -1
        return Draw(
            domains=_values(rng, self.domains, rows),
            codes=codes,
            numbers=self._numbers(rng, rows),
            tags=_lists(rng, self.tags, rows, self.max_tags, 0.2),
            history=_lists(rng, self.vocabularies["item_id"], rows, self.max_history, 0.1),
        )

    def standardize(self, numbers: Doubles) -> Floats:
        """Returns numbers as the truth reads them: near normal, zero where missing."""
        return np.nan_to_num((np.log1p(numbers) - self._center) / 0.7).astype(np.float32)

    def _numbers(self, rng: np.random.Generator, rows: int) -> Doubles:
        shape = rows, self.num_numeric
        numbers = np.expm1(self._center + 0.7 * rng.standard_normal(shape)).clip(0.0)
        # Prices with cents and counts in turn; the truth reads the rounded ones.
        numbers[:, 0::2] = numbers[:, 0::2].round(2)
        numbers[:, 1::2] = numbers[:, 1::2].round()
        numbers[rng.random(shape) < self.missing_rate] = np.nan
        return numbers

    @property
    def _center(self) -> Doubles:
        return 3.0 + np.arange(self.num_numeric) % 3 / 2


class Truth:
    """The logit of every task as a function of the features alone.

    Args:
        rng: Draws the weights.
        sampler: Law of the features; latent vectors are centred under it.
        num_clusters: Groups of domains with weights of their own.
        rates: Share of positives of each task.
        deviations: Standard deviations of the first-order and second-order part of the logit.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        sampler: Sampler,
        num_clusters: int,
        rates: Sequence[float],
        deviations: tuple[float, float],
    ) -> None:
        self._sampler = sampler
        laws = {**sampler.vocabularies, "tags": sampler.tags}
        self._latent = {name: _latent(rng, law) for name, law in laws.items()}
        num_domains, num_tasks = sampler.domains.size, len(rates)
        self._clusters = rng.permutation(np.arange(num_domains) % num_clusters)

        pilot = sampler.draw(rng, 1 << 16)
        self._weights = [
            _weights(rng, terms.shape[1], num_clusters, num_tasks) for terms in self._terms(pilot)
        ]
        self._scales = [
            deviation / part.std(axis=0)
            for deviation, part in zip(deviations, self._parts(pilot), strict=True)
        ]
        self._intercepts = _DOMAIN_DEVIATION * rng.standard_normal((num_domains, num_tasks))
        logits = self.logits(pilot)
        self._intercepts += [_shift(logits[:, task], rate) for task, rate in enumerate(rates)]

    def logits(self, draw: Draw) -> Doubles:
        """Returns the logits, `[B, T]`."""
        parts = zip(self._parts(draw), self._scales, strict=True)
        logits: Doubles = self._intercepts[draw.domains]
        for part, scale in parts:
            logits = logits + part * scale
        return logits

    def probabilities(self, draw: Draw) -> Doubles:
        """Returns the probability of a positive, `[B, T]`."""
        return _sigmoid(self.logits(draw))

    def _parts(self, draw: Draw) -> list[Doubles]:
        """The first-order and second-order part before scaling, each `[B, T]`."""
        rows, clusters = np.arange(draw.domains.size), self._clusters[draw.domains]
        return [
            np.tensordot(terms, weights, 1)[rows, clusters].astype(np.float64)
            for terms, weights in zip(self._terms(draw), self._weights, strict=True)
        ]

    def _terms(self, draw: Draw) -> tuple[Floats, Floats]:
        """What the weights of a cluster multiply in the first-order and second-order part."""
        latent = self._latent
        single = [latent[name][codes] for name, codes in draw.codes.items()]
        history = _mean(latent["item_id"], draw.history)
        numbers = self._sampler.standardize(draw.numbers)
        first = [*single, history, _mean(latent["tags"], draw.tags), numbers]
        first.append(np.isnan(draw.numbers).astype(np.float32))

        pairs = [*itertools.pairwise(single), (latent["item_id"][draw.codes["item_id"]], history)]
        second = [(left * right).sum(axis=1, keepdims=True) for left, right in pairs]
        second.append(numbers[:, 0:1] * numbers[:, 1:2])
        return np.concatenate(first, axis=1), np.concatenate(second, axis=1)


def _values(rng: np.random.Generator, law: Doubles, size: int) -> Codes:
    # The last sum may round to below 1, hence the minimum.
    found = np.searchsorted(np.cumsum(law), rng.random(size), side="right")
    return np.minimum(found, law.size - 1).astype(np.int64)


def _lists(rng: np.random.Generator, law: Doubles, rows: int, longest: int, empty: float) -> Codes:
    """Lists of all lengths, a share of them empty, filled up with -1."""
    lengths = rng.integers(1, longest + 1, rows) * (rng.random(rows) >= empty)
    present = np.arange(longest) < lengths[:, None]
    lists = np.full((rows, longest), -1)
    lists[present] = _values(rng, law, int(lengths.sum()))
    return lists


def _latent(rng: np.random.Generator, law: Doubles) -> Floats:
    """Vectors of mean 0 and variance 1 under the law; the last row, of code -1, is zero."""
    vectors = rng.standard_normal((law.size, _RANK))
    vectors -= law @ vectors
    vectors /= np.sqrt(law @ vectors**2)
    return np.concatenate([vectors, np.zeros((1, _RANK))]).astype(np.float32)


def _mean(latent: Floats, lists: Codes) -> Floats:
    lengths = np.maximum((lists >= 0).sum(axis=1, keepdims=True), 1).astype(np.float32)
    # One position at a time: gathering all vectors of all lists at once would leave the cache.
    total = sum(latent[codes] for codes in lists.T)
    return np.asarray(total / lengths)


def _weights(rng: np.random.Generator, terms: int, clusters: int, tasks: int) -> Floats:
    """Weights `[terms, clusters, tasks]`, a third of their variance each: common, task, own."""
    common = rng.standard_normal((terms, 1, 1))
    of_task = rng.standard_normal((terms, 1, tasks))
    own = rng.standard_normal((terms, clusters, tasks))
    return (common + of_task + own).astype(np.float32)


def _shift(logits: Doubles, rate: float) -> float:
    """The shift that gives the logits a mean probability of `rate`, by bisection."""
    low, high = -100.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        if _sigmoid(logits + middle).mean() < rate:
            low = middle
        else:
            high = middle
    return middle


def _sigmoid(logits: Doubles) -> Doubles:
    return np.exp(-np.logaddexp(0.0, -logits))
