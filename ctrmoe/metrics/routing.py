"""What a router does with the rows of a sample."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctrmoe.metrics.mutual_information import entropy, mutual_information

DEAD_LOAD, DEAD_SHARE = 0.01, 0.1
"""An expert is dead below this load, or below this share of the mean load where that is less."""
DOMINANT_LOAD = 0.95
"""The load above which one expert leaves the others without a use."""
FORBIDDEN = -1e8
"""Lower logits are those of experts that a row must not choose, by a mask or its domain."""

Matrix = NDArray[np.float64]


class RoutingFigures:
    """Loads, entropies and dependences of a router, from sums over batches.

    The gates of a row are divided by their sum, `p_te = g_te / Σ_e g_te`, so that each row counts
    alike whatever the selector. Whether experts are dead is asked of the rows that have a choice,
    and of each expert among those that may choose it: where the domain alone decides, none is.

    Args:
        num_experts: Number of experts, E.
        num_domains: Number of domains, or of other groups of rows, P.
    """

    def __init__(self, num_experts: int, num_domains: int = 1) -> None:
        self.num_experts = num_experts
        self.rows_by_domain: NDArray[np.int64] = np.zeros(num_domains, np.int64)
        self.weighs_all = True
        """Whether every row weighs all experts, as softmax gates do."""
        by_domain, pairs = (num_domains, num_experts), (num_experts, num_experts)
        self._gates, self._choices = np.zeros(by_domain), np.zeros(by_domain)
        self._products, self._together = np.zeros(pairs), np.zeros(pairs)
        self._entropies = np.zeros(2)
        # Of the rows with a choice: their number, their gates, how many may choose each expert.
        self._free_rows = 0
        self._free_gates, self._permitted = np.zeros(num_experts), np.zeros(num_experts)

    def update(self, routing: Mapping[str, Any], domains: Any = None) -> None:
        """Adds the rows of a batch.

        Args:
            routing: `index` and `gate`, `[T, K]`, `probs`, `[T, E]`, and `logits`, `[T, E]`, by
                which an expert may be forbidden to a row.
            domains: The number of each row's domain, `[T]`; all 0 where it is left out.
        """
        index = np.asarray(routing["index"])
        gates = _all_gates(index, np.asarray(routing["gate"], np.float64), self.num_experts)
        chosen = (gates > 0).astype(np.float64)
        numbers = np.zeros(len(index), np.int64) if domains is None else np.asarray(domains)
        self.rows_by_domain += np.bincount(numbers, minlength=len(self.rows_by_domain))
        np.add.at(self._gates, numbers, gates)
        np.add.at(self._choices, numbers, chosen)
        self._products += gates.T @ gates
        self._together += chosen.T @ chosen
        self._entropies += [_entropies(gates), _entropies(np.asarray(routing["probs"], np.float64))]
        has_all = index.shape[1] == self.num_experts and bool(np.all(index < self.num_experts))
        self.weighs_all = self.weighs_all and has_all
        logits = routing.get("logits")
        permitted = np.ones_like(gates) if logits is None else np.asarray(logits) > FORBIDDEN
        free = permitted.sum(axis=1) > 1
        self._free_rows += int(free.sum())
        self._free_gates += gates[free].sum(axis=0)
        self._permitted += permitted[free].sum(axis=0)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.rows_by_domain.sum())

    @property
    def load(self) -> Matrix:
        """Each expert's share of the gates, the mean of `p_te` over the rows, `[E]`."""
        return self._gates.sum(axis=0) / max(self.rows, 1)

    @property
    def load_error(self) -> Matrix:
        """The standard error of `load` as a mean over rows, `[E]`."""
        variance = np.diag(self._products) / max(self.rows, 1) - self.load**2
        return np.sqrt(np.maximum(variance, 0.0) / max(self.rows, 1))

    @property
    def load_by_domain(self) -> Matrix:
        """The load among the rows of each domain, `[P, E]`; 0 for domains without rows."""
        return self._gates / np.maximum(self.rows_by_domain, 1)[:, None]

    @property
    def choices(self) -> Matrix:
        """Each expert's share of the choices, whatever their gates, `[E]`."""
        counts = self._choices.sum(axis=0)
        return counts / max(counts.sum(), 1)

    @property
    def choices_by_domain(self) -> Matrix:
        """The same among the rows of each domain, `[P, E]`."""
        return self._choices / np.maximum(self._choices.sum(axis=1, keepdims=True), 1)

    @property
    def experts_per_row(self) -> float:
        """Mean number of experts that a row chooses."""
        return float(self._choices.sum()) / max(self.rows, 1)

    @property
    def gate_entropy(self) -> float:
        """Mean of `−Σ_e p_te log p_te / log E`: 0 if every row has one expert, 1 if all alike."""
        return self._entropy(0)

    @property
    def probability_entropy(self) -> float:
        """The same of the probabilities that were chosen from: 0 if the router is always sure."""
        return self._entropy(1)

    def _entropy(self, which: int) -> float:
        return float(self._entropies[which]) / (math.log(max(self.num_experts, 2)) * self.rows or 1)

    @property
    def coactivation(self) -> Matrix:
        """How often two experts serve the same row, `[E, E]`.

        The share of the rows that choose both; where rows weigh all experts, the mean of the
        product of their gates. The diagonal holds each expert with itself.
        """
        sums = self._products if self.weighs_all else self._together
        return sums / max(self.rows, 1)

    @property
    def overlap(self) -> Matrix:
        """Coactivation as `A_ij / (A_ii + A_jj − A_ij)`, from 0 to 1 whatever the loads."""
        own = np.diag(self.coactivation)
        either = own[:, None] + own[None, :] - self.coactivation
        return np.divide(self.coactivation, either, out=np.zeros_like(either), where=either > 0)

    @property
    def domain_information(self) -> float:
        """Mutual information of domain and expert in bits; a row is its experts by their gates."""
        return mutual_information(self._gates)

    @property
    def domain_share(self) -> float:
        """What part of the experts' entropy the domain explains: 1 if it determines the expert."""
        of_experts = entropy(self._gates.sum(axis=0))
        return min(self.domain_information / of_experts, 1.0) if of_experts else 0.0

    @property
    def dead_bound(self) -> float:
        """The load below which an expert is dead."""
        return min(DEAD_LOAD, DEAD_SHARE / self.num_experts)

    @property
    def decides(self) -> bool:
        """Whether any row has a choice among experts."""
        return self._free_rows > 0

    @property
    def rows_suffice(self) -> bool:
        """Whether an expert at `dead_bound` could be expected to have a row."""
        return self._free_rows * self.dead_bound >= 1

    @property
    def dead_experts(self) -> list[int]:
        """The experts below `dead_bound` among the rows that may choose them."""
        expected = self._permitted * self.dead_bound
        # Of fewer rows, having none would say nothing.
        dead = (expected >= 1) & (self._free_gates < expected)
        return [int(expert) for expert in np.flatnonzero(dead)]

    @property
    def dominant_expert(self) -> int | None:
        """The expert with more than `DOMINANT_LOAD` of the rows that have a choice, if any."""
        if not self.decides:
            return None
        first = int(np.argmax(self._free_gates))
        return first if self._free_gates[first] > DOMINANT_LOAD * self._free_rows else None

    def findings(self) -> list[str]:
        """Returns a sentence for what is wrong: one expert takes nearly all, or some are dead."""
        found, first, dead = [], self.dominant_expert, self.dead_experts
        if first is not None:
            share = self._free_gates[first] / self._free_rows
            found.append(f"The router has collapsed: expert {first} has {share:.1%} of the load.")
        if dead:
            experts = ", ".join(str(expert) for expert in dead)
            many = f"Experts {experts} are" if len(dead) > 1 else f"Expert {experts} is"
            found.append(f"{many} dead: less than {self.dead_bound:.2g} of the load.")
        return found


def _all_gates(index: NDArray[Any], gate: Matrix, num_experts: int) -> Matrix:
    """The gates of all experts divided by their sum, `[T, E]`."""
    # The column beyond the last expert takes the places without one.
    gates = np.zeros((len(index), num_experts + 1))
    np.put_along_axis(gates, index, gate, axis=1)
    gates = gates[:, :num_experts]
    total = gates.sum(axis=1, keepdims=True)
    return np.divide(gates, total, out=np.zeros_like(gates), where=total > 0)


def _entropies(shares: Matrix) -> float:
    """The sum of the rows' entropies."""
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    return -float((shares * logs).sum())
