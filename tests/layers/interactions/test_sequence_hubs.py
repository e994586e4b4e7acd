import numpy as np
import references

from ctrmoe.layers.interactions.sequence_hubs import SequenceHubs


def test_equals_the_equation_and_is_zero_without_behaviour(random, randomize):
    sequences = [random.normal(size=(3, length, 4)).astype("float32") for length in (5, 2)]
    keep = [np.array([[1, 1, 0, 0, 0], [1] * 5, [0] * 5]), np.array([[0, 0], [1, 0], [1, 1]])]
    keep = [mask.astype("bool") for mask in keep]
    layer = SequenceHubs()
    layer(sequences, keep=keep)
    weights = randomize(layer)

    out = np.asarray(layer(sequences, keep=keep))

    for a, (sequence, mask) in enumerate(zip(sequences, keep, strict=True)):
        kernel, bias = weights[f"kernel_{a}"], weights[f"bias_{a}"]
        rows = zip(sequence, mask, strict=True)
        expected = [references.sequence_hub(*row, kernel, bias) for row in rows]
        np.testing.assert_allclose(out[:, a], expected, rtol=1e-4, atol=1e-5)
    assert (out[2, 0] == 0).all() and (out[0, 1] == 0).all()
