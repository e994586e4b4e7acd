"""Trains a cluster router with one device and with two, and prints how much the weights differ.

For each way to start: the largest difference of a weight between the two replicas, between one
device and two, and how far the centres moved.
"""

import keras
import numpy as np
import tensorflow as tf

from ctrmoe.layers import Mixture

ROWS, BATCHES = 32, 12


def train(start, strategy, momentum=0.6):
    random = np.random.default_rng(5)
    # Of four clusters the last starts without rows, so that it is rescued.
    x = random.normal(size=(ROWS * BATCHES, 6)).astype("float32") + [3, 0, 0, 0, 0, 0]
    centres = np.array([[1, 0.2, 0], [1, 0, 0.2], [1, -0.2, 0], [-1, 0, 0]])
    centres = np.pad(centres, ((0, 0), (0, 3)))
    keras.utils.set_random_seed(7)
    with strategy.scope():
        inputs = keras.Input((6,))
        router = {"kind": "cluster", "start": start, "seed": 3, "momentum": momentum}
        router["adjusts"] = [{"kind": "load_bias", "update_rate": 0.01}]
        mixture = Mixture({"kind": "product", "num_experts": 4, "units": [3]}, router=router)
        model = keras.Model(inputs, keras.layers.Dense(1)(mixture(inputs)))
        scorer = mixture.routers[0].scorer
        if start == "random":
            scorer.centres.assign(centres / np.linalg.norm(centres, axis=1, keepdims=True))
        model.compile(keras.optimizers.SGD(0.001), "mse", jit_compile=False)
    before = scorer.centres.numpy()
    model.fit(x, np.ones((len(x), 1)), batch_size=ROWS, shuffle=False, verbose=0)
    bias = mixture.routers[0].adjusts[0].bias
    weights = [scorer.centres.value, scorer.load.value, bias.value]
    replicas = [
        [local.numpy() for local in strategy.experimental_local_results(weight)]
        for weight in weights
    ]
    return [*model.get_weights(), *(r[0] for r in replicas)], replicas, before


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for start in ("random", "k_means_plus_plus"):
        one, *_ = train(start, tf.distribute.get_strategy())
        both, replicas, before = train(start, mirrored)
        between = max(np.abs(first - second).max() for first, second in replicas)
        difference = max(np.abs(a - b).max() for a, b in zip(one, both, strict=True))
        moved = np.linalg.norm(replicas[0][0] - before, axis=1).min()
        print(start, between, difference, moved, flush=True)


if __name__ == "__main__":
    main()
