"""What the sparse-row optimizers share: one gradient row per id, updates of those rows only."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

# Keras keeps both as passes over whole tables, and neither has a row-wise form that means the same.
REFUSED_OPTIONS = {
    "use_ema": "The average moves in every row in every step. Average the dense layers alone: "
    "give them an optimizer of their own with `keras.optimizers.MultiOptimizer`.",
    "gradient_accumulation_steps": "Keras accumulates in a dense copy of every table. "
    "Use a larger batch size.",
}


def sum_equal_ids(gradient: tf.IndexedSlices, variable: Any) -> tf.IndexedSlices:
    """Returns the same gradient of `variable` with every id once, the rows of equal ids summed.

    `IndexedSlices` hold one row per occurrence of an id in the batch. An update that squares
    the gradient must see the sum: `(Σ g)²` is right and `Σ g²` is not.
    """
    ids, position = tf.unique(gradient.indices, out_idx=tf.int64)
    values = gradient.values
    occurrences = tf.size(position, out_type=tf.int64)
    row_shape = variable.shape[1:]  # a reduction over replicas loses that of `values`
    rows = tf.reshape(values, (-1, row_shape.num_elements()))
    # The product with a 0/1 matrix [occurrences, ids] adds the rows in their order, as
    # `unsorted_segment_sum` does, in a quarter of its time for rows of up to 31 numbers.
    sums = tf.raw_ops.SparseTensorDenseMatMul(
        a_indices=tf.stack([tf.range(occurrences), position], axis=1),
        a_values=tf.ones([occurrences], values.dtype),
        a_shape=tf.stack([occurrences, tf.size(ids, out_type=tf.int64)]),
        b=rows,
        adjoint_a=True,
    )
    return tf.IndexedSlices(tf.reshape(sums, (-1, *row_shape)), ids, gradient.dense_shape)


class SparseRows(keras.optimizers.Optimizer):
    """Base of the optimizers that update, of a table, only the rows that a batch reads.

    A dense gradient goes to the Keras optimizer that follows in the method resolution order, so
    it gets exactly that optimizer's update. Of a gradient that is `tf.IndexedSlices`, as
    the lookup of a table gives it, the rows of equal ids are summed first; then the named
    rows of the variable and of its slots are gathered, updated and written back. The work
    follows the number of distinct ids in the batch and not the size of the table.

    - `clipnorm`, `global_clipnorm` and `clipvalue` act on the summed gradient of the whole batch:
      under `tf.distribute` after the reduction over replicas, where Keras clips each replica.
    - `weight_decay` shrinks the rows of a sparse gradient by `weight_decay · learning_rate` in
      the steps that touch them. Rows that no batch reads do not decay. Dense variables decay
      in every step, as in Keras.
    - `use_ema` and `gradient_accumulation_steps` are refused.
    - `keras.optimizers.LossScaleOptimizer`, which Keras adds under `mixed_float16`, works but looks
      for infinities in a dense copy of the gradient. `mixed_bfloat16` needs no loss scale.

    Compile the model with `jit_compile=False`: under XLA the number of distinct ids, which changes
    from batch to batch, would have to be static. Look the table up with
    `tf.nn.embedding_lookup` on the `tf.Variable` itself: a read of the whole variable, as in
    `keras.ops.take` and `keras.layers.Embedding`, copies it in every step.

    A child gives `slots` and `update_rows`, and passes its `**options` on.

    Args:
        learning_rate: A float, a `keras.optimizers.schedules.LearningRateSchedule`, or a callable.
        **options: Arguments of `keras.optimizers.Optimizer`: `weight_decay`, `clipnorm`,
            `clipvalue`, `global_clipnorm`, `loss_scale_factor`, `name`.

    Raises:
        ValueError: If `use_ema` or `gradient_accumulation_steps` is set.
    """

    def __init__(self, learning_rate: Any, **options: Any) -> None:
        for option, reason in REFUSED_OPTIONS.items():
            if options.get(option):
                raise ValueError(
                    f"`{option}` must be unset for {type(self).__name__}. "
                    f"Received: {option}={options[option]!r}. {reason}"
                )
        super().__init__(learning_rate, **options)

    @property
    @abstractmethod
    def slots(self) -> Sequence[Sequence[Any]]:
        """The lists of state variables, each with one entry per trained variable."""

    @abstractmethod
    def update_rows(self, gradient: Any, learning_rate: Any, rows: Any, *slots: Any) -> Any:
        """Returns the new rows of the variable and of each slot, in the order received.

        Args:
            gradient: `[N, ...]`, the summed gradient of N rows.
            learning_rate: A scalar in the variable's dtype.
            rows: `[N, ...]`, those rows of the variable.
            *slots: `[N, ...]` each, those rows of the slots.
        """

    def apply(self, grads: Iterable[Any], trainable_variables: Any = None) -> None:
        """Updates the variables; see `keras.optimizers.Optimizer.apply`."""
        if self.loss_scale_factor is not None:
            grads = [_Divisible.of(g) if _is_sparse(g) else g for g in grads]
        super().apply(list(grads), trainable_variables)

    def _clip_gradients(self, grads: Sequence[Any]) -> Sequence[Any]:
        """Clips nothing yet: a norm needs the sums of `_all_reduce_sum_gradients`."""
        return grads

    def _apply_weight_decay(self, variables: Sequence[Any]) -> None:
        """Decays nothing yet: `update_step` knows which rows."""

    def _all_reduce_sum_gradients(self, grads_and_vars: Iterable[Any]) -> list[tuple[Any, Any]]:
        """Reduces over replicas, then sums the rows of equal ids, then clips."""
        summed = [
            (sum_equal_ids(grad, variable) if _is_sparse(grad) else grad, variable)
            for grad, variable in super()._all_reduce_sum_gradients(grads_and_vars)
        ]
        clipped = super()._clip_gradients([g.values if _is_sparse(g) else g for g, _ in summed])
        return [
            (_with_values(grad, values) if _is_sparse(grad) else values, variable)
            for (grad, variable), values in zip(summed, clipped, strict=True)
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable; the ids of a sparse `gradient` are distinct."""
        learning_rate = tf.cast(learning_rate, variable.dtype)
        decay = 0.0
        if self.weight_decay is not None and self._use_weight_decay(variable):
            decay = self.weight_decay
        if _is_sparse(gradient):
            self._update_sparse(gradient, variable, learning_rate, decay)
            return
        if decay:
            variable.assign_sub(variable * decay * learning_rate)
        super().update_step(gradient, variable, learning_rate)

    def _update_sparse(self, gradient: Any, variable: Any, learning_rate: Any, decay: Any) -> None:
        index = self._get_variable_index(variable)
        targets = [variable, *(slot[index].value for slot in self.slots)]
        # Gather and `scatter_update` copy rows with memcpy. TensorFlow's fused sparse kernels
        # (ResourceSparseApplyAdagradV2, ...FtrlV2) take twice the time of all of this on a CPU.
        rows, *slots = (tf.gather(target, gradient.indices) for target in targets)
        if decay:
            rows -= rows * decay * learning_rate
        values = tf.cast(gradient.values, variable.dtype)
        updated = self.update_rows(values, learning_rate, rows, *slots)
        for target, new_rows in zip(targets, updated, strict=True):
            target.scatter_update(tf.IndexedSlices(new_rows, gradient.indices))


class _Divisible(tf.IndexedSlices):
    """`IndexedSlices` with the `/` by which Keras takes the loss scale out."""

    @classmethod
    def of(cls, gradient: tf.IndexedSlices) -> _Divisible:
        return cls(gradient.values, gradient.indices, gradient.dense_shape)

    def __truediv__(self, scale: Any) -> tf.IndexedSlices:
        return _with_values(self, self.values / scale)


def _is_sparse(gradient: Any) -> bool:
    return isinstance(gradient, tf.IndexedSlices)


def _with_values(gradient: tf.IndexedSlices, values: Any) -> tf.IndexedSlices:
    return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
