"""Trains routers with one device and with two, and prints how much the weights differ.

For cluster routers by each way to start, and for a mixture and AdaSparse with their losses of
balance: the largest difference of a weight between the two replicas, between one device and two,
and how far the weights moved.
"""

import keras
import numpy as np
import tensorflow as tf

from ctrmoe.layers import AdaSparse, Mixture

ROWS, BATCHES = 32, 12


def train(build, strategy):
    """The weights after the training, those of each replica, and those before it."""
    random = np.random.default_rng(5)
    # Of four clusters the last starts without rows, so that it is rescued.
    x = random.normal(size=(ROWS * BATCHES, 6)).astype("float32") + [3, 0, 0, 0, 0, 0]
    domain = random.integers(0, 3, len(x))
    keras.utils.set_random_seed(7)
    with strategy.scope():
        inputs = keras.Input((6,)), keras.Input((), dtype="int32")
        y, watched = build(*inputs)
        model = keras.Model(inputs, keras.layers.Dense(1)(y))
        model.compile(keras.optimizers.SGD(0.001), "mse", jit_compile=False)
    before = watched[0].numpy()
    ones = np.ones((len(x), 1))
    model.fit((x, domain), ones, batch_size=ROWS, shuffle=False, verbose=0)
    replicas = [
        [local.numpy() for local in strategy.experimental_local_results(weight.value)]
        for weight in watched
    ]
    return [*model.get_weights(), *(r[0] for r in replicas)], replicas, before


def clusters(start):
    def build(x, domain):
        router = {"kind": "cluster", "start": start, "seed": 3, "momentum": 0.6}
        router["adjusts"] = [{"kind": "load_bias", "update_rate": 0.01}]
        mixture = Mixture({"kind": "product", "num_experts": 4, "units": [3]}, router=router)
        y = mixture(x)
        scorer = mixture.routers[0].scorer
        if start == "random":
            centres = np.array([[1, 0.2, 0], [1, 0, 0.2], [1, -0.2, 0], [-1, 0, 0]])
            centres = np.pad(centres, ((0, 0), (0, 3)))
            scorer.centres.assign(centres / np.linalg.norm(centres, axis=1, keepdims=True))
        return y, [scorer.centres, scorer.load, mixture.routers[0].adjusts[0].bias]

    return build


def balance(x, domain):
    weight = {"kind": "linear", "start": 20.0, "end": 10.0, "steps": 8}
    mixture = Mixture(
        {"kind": "feed_forward", "num_experts": 4, "units": [3]},
        router={"selector": {"kind": "top_k", "k": 2}},
        balance=[
            {"kind": "switch", "weight": weight, "num_domains": 3},
            {"kind": "switch", "weight": 10.0},
            {"kind": "importance", "weight": 10.0},
            {"kind": "z", "weight": 1.0},
        ],
    )
    y = mixture(x, context={"domain": domain})
    return y, [mixture.routers[0].scorer.dense.kernel, mixture.step]


def sparsity(x, domain):
    network = AdaSparse(3, units=[5], kept=(0.1, 0.2), sparsity_weight=3e3)
    y = network(x, domain)
    return y, [network.pruners[0].kernel, network.step]


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    builds = {start: clusters(start) for start in ("random", "k_means_plus_plus")}
    for name, build in {**builds, "balance": balance, "sparsity": sparsity}.items():
        one, *_ = train(build, tf.distribute.get_strategy())
        both, replicas, before = train(build, mirrored)
        between = max(np.abs(np.subtract(*locals_)).max() for locals_ in replicas)
        difference = max(np.abs(a - b).max() for a, b in zip(one, both, strict=True))
        moved = np.linalg.norm(replicas[0][0] - before, axis=1).min()
        print(name, between, difference, moved, flush=True)


if __name__ == "__main__":
    main()
