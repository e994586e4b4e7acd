"""Trains with one device and with two, and prints the largest difference of any variable."""

import keras
import numpy as np
import tensorflow as tf

from ctrmoe.layers.fused_table import FusedTable
from ctrmoe.optimizers import LazyAdam, SparseAdagrad, SparseFtrl

OPTIMIZERS = {
    "adagrad": lambda: SparseAdagrad(0.1),
    "lazy_adam": lambda: LazyAdam(0.05),
    "ftrl": lambda: SparseFtrl(0.1, l1_regularization_strength=0.001),
    "clipped_adagrad": lambda: SparseAdagrad(0.1, global_clipnorm=0.01),
    "decayed_adam": lambda: LazyAdam(0.05, weight_decay=0.5),
}


def train(optimizer, strategy):
    rng = np.random.default_rng(3)
    ids = rng.integers(1, 20, (64, 4)).astype("int32")
    labels = rng.integers(0, 2, (64, 1)).astype("float32")
    keras.utils.set_random_seed(7)
    with strategy.scope():
        inputs = keras.Input((4,), dtype="int32")
        hidden = keras.layers.Flatten()(FusedTable([30], [0] * 4, 3)(inputs))
        model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(optimizer(), loss, jit_compile=False)
    start = model.get_weights()
    model.fit(ids, labels, batch_size=16, epochs=2, shuffle=False, verbose=0)
    moved = max(np.abs(w - s).max() for w, s in zip(model.get_weights(), start, strict=True))
    return [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)], moved


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for name, optimizer in OPTIMIZERS.items():
        one, moved = train(optimizer, tf.distribute.get_strategy())
        both, _ = train(optimizer, mirrored)
        difference = max(np.abs(a - b).max() for a, b in zip(one, both, strict=True))
        print(name, difference, moved, flush=True)


if __name__ == "__main__":
    main()
