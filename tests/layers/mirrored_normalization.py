"""Calls the layer on two devices, and prints the moving means of its domains and a count."""

import numpy as np
import tensorflow as tf

from ctrmoe.layers.domain_normalization import DomainNormalization


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    # The first batch of a domain weighs as much as the initial statistics.
    rows = {0: [([2.0, 4.0], [0, 0])], 1: [([2.0, 2.0], [0, 1])]}
    with strategy.scope():
        layer = DomainNormalization(3)
        layer.build((None, 1))

    @tf.function
    def step(x, domain):
        strategy.run(lambda x, domain: layer(x, domain, training=True), args=(x, domain))

    def of_device(context, part):
        values = rows[context.replica_id_in_sync_group][0][part]
        return tf.constant([[v] for v in values]) if part == 0 else tf.constant(values, "int32")

    parts = [
        strategy.experimental_distribute_values_from_function(
            lambda context, part=part: of_device(context, part)
        )
        for part in (0, 1)
    ]
    step(*parts)
    print(*np.ravel(layer.moving_mean), layer.batches.numpy()[1, 0])


if __name__ == "__main__":
    main()
