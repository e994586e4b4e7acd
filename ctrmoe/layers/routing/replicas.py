"""Sums over the replicas of a distributed training step; with one replica, its own values.

The gradient of a sum is that sum of the gradients of all replicas, of whose losses Keras takes the
mean: a loss of such sums has the gradient that it has in one batch of all rows.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def sum_over_replicas(*tensors: Any) -> list[Any]:
    """The sum over all replicas of each tensor; not to be called inside a condition."""
    context = _context()
    if context is None:
        return list(tensors)
    return list(context.all_reduce("SUM", list(tensors)))


def of_all_replicas(tensor: Any) -> Any:
    """The tensor of each replica, `[replicas, …]`; not to be called inside a condition."""
    context = _context()
    if context is None:
        return tensor[None]
    replicas = context.num_replicas_in_sync
    own = ops.one_hot(context.replica_id_in_sync_group, replicas, dtype=tensor.dtype)
    own = ops.reshape(own, (replicas, *[1] * len(tensor.shape)))
    return sum_over_replicas(own * tensor[None])[0]


def _context() -> Any:
    """TensorFlow's context of a replica, if there are several."""
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    several = context is not None and context.num_replicas_in_sync > 1
    return context if several else None
