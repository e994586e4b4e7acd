import numpy as np
import references

from ctrmoe.layers.pooling.mean import MeanPooling


def test_equals_the_equation(random):
    sequence = random.normal(size=(4, 5, 3)).astype("float32")
    keep = np.array([[1] * 5, [1, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0] * 5], "bool")

    out = MeanPooling()(sequence, keep)

    pairs = zip(sequence, keep, strict=True)
    expected = [references.mean_pooling(*row) for row in pairs]
    np.testing.assert_allclose(out, expected, atol=1e-6)
    np.testing.assert_array_equal(MeanPooling()(sequence, keep.astype("int32")), out)
