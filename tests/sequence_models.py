"""What the tests of interactions that read sequences share."""

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable(package="tests")
class BuildsItself(keras.Model):
    """A model that builds its layer itself: reloading takes the layer's own `build`."""

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape[0], input_shape[1])

    def call(self, inputs):
        return self.layer(*inputs)

    def get_config(self):
        return {**super().get_config(), "layer": keras.layers.serialize(self.layer)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "layer": keras.layers.deserialize(config["layer"])})


def gradients(layer, *inputs):
    """The gradient of each trainable weight, by path."""
    target = np.random.default_rng(4).normal(size=layer(*inputs).shape)
    with tf.GradientTape() as tape:
        loss = keras.ops.mean((layer(*inputs, training=True) - target.astype("float32")) ** 2)
    weights = layer.trainable_weights
    found = tape.gradient(loss, [weight.value for weight in weights])
    return {w.path: g for w, g in zip(weights, found, strict=True)}
