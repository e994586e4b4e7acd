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
def variables():
    """Returns a function that names a layer's weights by their place in it: `query_kernel`."""

    def name(layer):
        return {w.path.split(f"{layer.name}/")[-1].replace("/", "_"): w for w in layer.weights}

    return name


@pytest.fixture
def randomize(random, variables):
    """Returns a function that draws a layer's weights anew and gives them by name.

    Biases, γ and β start as zeros and ones, with which mistakes in them would not show.
    """

    def draw(layer):
        named = variables(layer)
        for weight in named.values():
            weight.assign(random.normal(size=weight.shape, scale=0.5))
        return {name: weight.numpy().astype("float64") for name, weight in named.items()}

    return draw
