"""A logit by how near a row lies to centres that follow the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_choice, check_positive, check_positive_integer
from ctrmoe.layers.routing.k_means_plus_plus import candidates_of, k_means_plus_plus
from ctrmoe.layers.routing.replicas import of_all_replicas, sum_over_replicas
from ctrmoe.layers.routing.scorers.scorer import Scorer
from ctrmoe.layers.routing.selectors.selector import probabilities

EMPTY = 1e-6
"""Sum of distribution coefficients below which a cluster keeps its centre."""
DEAD_SHARE = 0.1
"""Of the mean load, the load below which a centre is dead."""
CENTERED = "centered"
STARTS = ("k_means_plus_plus", "random")
UPDATES = ("batch", "iteration")


@keras.saving.register_keras_serializable(package="ctrmoe")
class ClusterScorer(Scorer):
    """Clusters rows by their representation, without their domain: `z_k = ⟨x̂, μ_k⟩ / τ`.

    The softmax of the logits is the distribution coefficient of the row. The centres `μ_k`, of
    length 1, are no trained weights: a training step moves them, and no gradient passes through the
    routing. With `x̂ = x / ‖x‖` and `c = μ` at first, `iterations` times

        r_ik = softmax_k(⟨x̂_i, c_k⟩ / τ),  c_k ← normalise(Σ_i r_ik x̂_i)

    and then `μ_k ← normalise(β μ_k + (1 − β) c_k)`. A cluster without rows keeps its centre. At
    inference the centres stay. Under `tf.distribute` sums are those of all replicas.

    A centre whose moving share of the rows falls below a tenth of the mean is dead and takes the
    place of the row that is the farthest from all centres, one a step.

    Args:
        num_experts: Number of clusters, K.
        temperature: τ.
        normalise: Whether rows are divided by their lengths; without, `x̂ = x`. With `centered` a
            moving mean of all rows is subtracted before, which is not in the paper: what all rows
            have in common, such as the tokens of positive numbers, makes them one direction, and
            no cosine tells them apart.
        momentum: β, also of the moving shares; with 1 nothing moves.
        iterations: Iterations of a training step.
        update: Whether the moving average is taken once a `batch`, or in every `iteration`, whose
            centres it then gives.
        normalise_batch: Whether `c_k` has length 1 in the moving average; without, it is the sum,
            beside which `μ_k` is nearly nothing in large batches.
        start: The first centres: `k_means_plus_plus` chooses them among the rows of the first
            training step (of the first replica, where there are several); until then they are
            zeros and every row is nearest to cluster 0. `random` draws them without data.
        rescue: Whether dead centres are moved.
        seed: Of the start.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`. While training from `k_means_plus_plus`, T ≥ K, which is checked where T is
        static; where it is not and T < K, some centres start at the same row.

    Output shape:
        `[T, E]`, float32.

    Raises:
        ValueError: If an option is out of its range, or the batch is smaller than K.

    Reference:
        Li et al., AdaptDHM: Adaptive Distribution Hierarchical Model for Multi-Domain CTR
        Prediction, 2022, arXiv:2211.12105. Public re-implementations use `temperature=1`,
        `normalise=False`, `normalise_batch=False`, `update="iteration"`, `start="random"` and
        `rescue=False`; with embeddings as small as they start, all their centres become one.
    """

    def __init__(
        self,
        num_experts: int,
        *,
        temperature: float = 0.1,
        normalise: bool | str = True,
        momentum: float = 0.9,
        iterations: int = 3,
        update: str = "batch",
        normalise_batch: bool = True,
        start: str = "k_means_plus_plus",
        rescue: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_experts, **kwargs)
        self.temperature = check_positive("temperature", temperature)
        self.normalise = check_choice("normalise", normalise, (True, False, CENTERED))
        if not 0 <= momentum <= 1:
            raise ValueError(f"`momentum` must lie in [0, 1]. Received: momentum={momentum}.")
        self.momentum = momentum
        self.iterations = check_positive_integer("iterations", iterations)
        self.update = check_choice("update", update, UPDATES)
        self.normalise_batch = normalise_batch
        self.start = check_choice("start", start, STARTS)
        self.rescue = rescue
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def least_batch_size(self) -> int:
        """The rows that a training batch must have."""
        return self.num_experts if self.start == "k_means_plus_plus" else 1

    @property
    def default_selector(self) -> dict[str, Any]:
        return {"kind": "hard"}

    def build(self, input_shape: Sequence[int | None]) -> None:
        def directions(shape: Sequence[int], dtype: Any = None) -> Any:
            return unit(keras.random.normal(shape, dtype=dtype, seed=self.seed_generator))

        drawn = self.start == "random"
        self.centres = self.add_weight(
            name="centres",
            shape=(self.num_experts, input_shape[-1]),
            initializer=directions if drawn else "zeros",
            trainable=False,
        )
        if self.normalise == CENTERED:
            self.mean = self.add_weight(
                name="mean", shape=(input_shape[-1],), initializer="zeros", trainable=False
            )
        self.load = self.add_weight(
            name="load",
            shape=(self.num_experts,),
            initializer=keras.initializers.Constant(1 / self.num_experts),
            trainable=False,
        )

    def call(self, inputs: Any, context: Mapping[str, Any], training: bool | None = None) -> Any:
        inputs = ops.stop_gradient(inputs)
        if self.normalise == CENTERED:
            inputs = inputs - self._mean(inputs, training)
        directions = unit(inputs)
        rows = directions if self.normalise else inputs
        if not training:
            return self._logits(rows, self.centres)
        centres, load = ops.convert_to_tensor(self.centres), self.load
        if self.start == "k_means_plus_plus":
            centres = self._started(directions, centres)
        centres = self._moved(rows, centres)
        if self.rescue:
            centres, load = self._rescued(directions, centres)
        logits = self._logits(rows, centres)
        self.centres.assign(centres)
        self.load.assign(self.momentum * load + (1 - self.momentum) * _shares(logits))
        return logits

    def _mean(self, rows: Any, training: bool | None) -> Any:
        """The moving mean of all rows, after it has moved if it is training."""
        if not training:
            return self.mean
        total, count = sum_over_replicas(
            ops.sum(rows, axis=0), ops.cast(ops.shape(rows)[0], "float32")
        )
        found, old = total / count, ops.convert_to_tensor(self.mean)
        moved = self.momentum * old + (1 - self.momentum) * found
        mean = ops.where(ops.any(old != 0), moved, found)  # the first batch's as it is
        self.mean.assign(mean)
        return mean

    def _logits(self, rows: Any, centres: Any) -> Any:
        return ops.matmul(rows, ops.transpose(centres)) / self.temperature

    def _started(self, directions: Any, centres: Any) -> Any:
        """The centres, or the first ones where there are none yet."""
        rows, count = directions.shape[0], self.num_experts
        if rows is not None and rows < count:
            raise ValueError(
                f"`num_experts` must be at most the rows of a training batch, {rows}, from which "
                f"k-means++ starts. Received: num_experts={count}. Take larger batches, fewer "
                "clusters or start='random'."
            )
        draws = keras.random.uniform((count, candidates_of(count)), seed=self.seed_generator)
        first = ops.cond(
            ops.any(centres != 0),
            lambda: centres,
            lambda: k_means_plus_plus(directions, count, draws),
        )
        # Collective operations must not be inside the condition.
        return of_all_replicas(first)[0]

    def _moved(self, rows: Any, centres: Any) -> Any:
        """The moving average after the iterations on a batch."""
        old, current, moved = centres, centres, centres
        for _ in range(self.iterations):
            r = probabilities(self._logits(rows, current))
            total, mass = sum_over_replicas(
                ops.matmul(ops.transpose(r), rows), ops.sum(r, axis=0)[:, None]
            )
            found = ops.where(mass < EMPTY, current, unit(total))
            pull = found if self.normalise_batch else total
            if self.update == "iteration":
                old = current
            moved = unit(self.momentum * old + (1 - self.momentum) * pull)
            current = moved if self.update == "iteration" else found
        return moved

    def _rescued(self, directions: Any, centres: Any) -> Any:
        """The centres and their loads, after the deadest has been moved if it is dead."""
        similarity = ops.max(ops.matmul(directions, ops.transpose(centres)), axis=1)
        worst = ops.argmin(similarity, keepdims=True)
        rows = of_all_replicas(ops.take(directions, worst, axis=0)[0])
        similarities = of_all_replicas(ops.take(similarity, worst)[0])
        row = ops.take(rows, ops.argmin(similarities), axis=0)
        lowest = ops.one_hot(ops.argmin(self.load), self.num_experts, dtype="bool")
        dead = ops.logical_and(lowest, self.load < DEAD_SHARE / self.num_experts)
        # A new load of the mean keeps it from being moved again before rows have found it.
        load = ops.where(dead, 1 / self.num_experts, self.load)
        return ops.where(dead[:, None], row, centres), load

    def get_config(self) -> dict[str, Any]:
        names = "temperature normalise momentum iterations update normalise_batch start rescue seed"
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}}


def unit(vectors: Any) -> Any:
    """Vectors divided by their lengths; zeros stay."""
    lengths = ops.sqrt(ops.sum(ops.square(vectors), axis=-1, keepdims=True))
    return vectors / ops.maximum(lengths, 1e-12)


def _shares(logits: Any) -> Any:
    """The share of the rows that each cluster has the highest logit of, over all replicas."""
    chosen = ops.one_hot(ops.argmax(logits, axis=1), logits.shape[1], dtype="float32")
    (counts,) = sum_over_replicas(ops.sum(chosen, axis=0))
    return counts / ops.sum(counts)
