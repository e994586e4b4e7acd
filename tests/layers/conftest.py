import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(7)


@pytest.fixture
def random():
    return np.random.default_rng(11)


@pytest.fixture
def randomize(random):
    """Returns a function that draws every weight anew, and gives them by `layer/weight` name.

    Biases, γ and β start as zeros and ones, with which mistakes in them would not show.
    """

    def draw(layer):
        named = {}
        for weight in layer.weights:
            weight.assign(random.normal(size=weight.shape, scale=0.5))
            named["/".join(weight.path.split("/")[-2:])] = weight.numpy().astype("float64")
        return named

    return draw
