"""Rows of hidden clusters, each with a truth of its own: what routers are measured by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class PlantedRows:
    """Rows with what no model is shown.

    Args:
        features: `[rows, contexts + signals]` float32.
        domain: `[rows]` int32, from 1 on.
        cluster: `[rows]` int32, the hidden cluster.
        probability: `[rows]` float64, of a positive label.
        label: `[rows]` float32.
    """

    features: np.ndarray
    domain: np.ndarray
    cluster: np.ndarray
    probability: np.ndarray
    label: np.ndarray


@dataclass(frozen=True, kw_only=True)
class PlantedClusters:
    """Domains of rows from hidden clusters, and labels that each cluster makes in another way.

    A row of cluster c has contexts around the centre `m_c`, with standard normal deviations; the
    centres are orthogonal. Its signals s are standard normal, and

        P(label) = σ(scale · Σ_k ±_{ck} s_{i(k)} s_{j(k)} / √pairs)

    over pairs of signals that are the same in all clusters, with signs of which those of any two
    clusters differ in half of the pairs. Domain d has its own main cluster, and a share `overlap`
    of its rows from all clusters alike.

    Args:
        seed: Of the centres and the truth.
        num_domains: Number of domains.
        num_clusters: Number of clusters, at most `contexts` and `signals / 2`.
        contexts: Number of features that tell the cluster.
        signals: Number of features that tell the label, given the cluster: a power of two.
        distance: Length of a centre in deviations of one context, over √(contexts / 2).
        overlap: Share of a domain's rows that come from any cluster.
        scale: How sharply the signals decide.

    Raises:
        ValueError: If `signals` is no power of two, or there are too many clusters.
    """

    seed: int = 0
    num_domains: int = 6
    num_clusters: int = 4
    contexts: int = 8
    signals: int = 8
    distance: float = 2.0
    overlap: float = 0.2
    scale: float = 3.0

    def __post_init__(self) -> None:
        if self.signals < 2 or self.signals & (self.signals - 1):
            raise ValueError(f"`signals` must be a power of two. Received: {self.signals}.")
        most = min(self.contexts, self.signals // 2)
        if not 1 <= self.num_clusters <= most:
            raise ValueError(
                f"`num_clusters` must lie in [1, {most}]. Received: {self.num_clusters}."
            )

    def draw(self, rows: int, seed: int) -> PlantedRows:
        """Draws rows; another seed gives other rows of the same truth."""
        centres, pairs, signs = self._truth()
        random = np.random.default_rng([self.seed, seed])
        domain = random.integers(self.num_domains, size=rows)
        anywhere = random.random(rows) < self.overlap
        drawn = random.integers(self.num_clusters, size=rows)
        cluster = np.where(anywhere, drawn, domain % self.num_clusters)
        context = centres[cluster] + random.normal(size=(rows, self.contexts))
        signal = random.normal(size=(rows, self.signals))
        products = signal[:, pairs[:, 0]] * signal[:, pairs[:, 1]]
        logit = self.scale * np.mean(signs[cluster] * products, axis=1) * np.sqrt(len(pairs))
        probability = 1 / (1 + np.exp(-logit))
        return PlantedRows(
            features=np.concatenate([context, signal], axis=1).astype(np.float32),
            domain=(domain + 1).astype(np.int32),
            cluster=cluster.astype(np.int32),
            probability=probability,
            label=(random.random(rows) < probability).astype(np.float32),
        )

    def _truth(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Centres `[C, contexts]`, pairs of signals `[pairs, 2]` and signs `[C, pairs]`."""
        random = np.random.default_rng(self.seed)
        directions, _ = np.linalg.qr(random.normal(size=(self.contexts, self.contexts)))
        length = self.distance * np.sqrt(self.contexts / 2)
        count = self.signals // 2
        pairs = random.permutation(self.signals)[: 2 * count].reshape(count, 2)
        numbers = range(count)
        parities = [[(row & column).bit_count() % 2 for column in numbers] for row in numbers]
        signs = random.permutation(1 - 2 * np.array(parities))  # a Hadamard matrix
        return directions[: self.num_clusters] * length, pairs, signs[: self.num_clusters]
