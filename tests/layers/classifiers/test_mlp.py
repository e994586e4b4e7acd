import numpy as np
import references

from ctrmoe.layers.classifiers.mlp import MLPClassifier


def test_equals_the_equation(random, randomize):
    x = random.normal(size=(5, 4, 3)).astype("float32")
    layer = MLPClassifier([6, 2])
    layer.build(x.shape)

    expected = references.mlp(x.reshape(5, -1), randomize(layer), 2, prefix="mlp_")

    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-4)
