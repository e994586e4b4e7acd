import numpy as np
import references

from ctrmoe.layers.classifiers.deepfm import DeepFM


def test_equals_the_equation(random, randomize):
    x = random.normal(size=(5, 4, 3)).astype("float32")
    layer = DeepFM([6, 2])
    layer.build(x.shape)

    hidden = references.mlp(x.reshape(5, -1), randomize(layer), 2, prefix="mlp_")

    expected = np.concatenate([hidden, references.fm(x)], axis=1)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-4)
