import keras
import pytest


@keras.saving.register_keras_serializable(package="tests")
class ModelWithBuild(keras.Model):
    """A model that builds its layer itself.

    Reloading it restores a layer only if the layer's own `build` builds the layer's children: a
    child that is not built takes no weights, without a word. A functional model would hide that,
    because it calls the layer first.
    """

    def __init__(self, layer, **kwargs):
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape):
        # Keras builds a layer that it finds in a config before the model around it.
        if not self.layer.built:
            self.layer.build(input_shape)

    def call(self, inputs, training=None):
        return self.layer(inputs)

    def get_config(self):
        return {**super().get_config(), "layer": keras.layers.serialize(self.layer)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "layer": keras.layers.deserialize(config["layer"])})


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(7)


@pytest.fixture
def save_and_load(tmp_path):
    """Returns a function that gives a layer's outputs before and after a reload of its model."""

    def reload(layer, inputs):
        model = ModelWithBuild(layer)
        model(inputs)
        for weight in layer.trainable_weights:
            weight.assign(1.5 * weight + 0.1)  # no longer what an initializer gives
        before = model(inputs)
        model.save(tmp_path / "model.keras")
        return before, keras.models.load_model(tmp_path / "model.keras")(inputs)

    return reload
