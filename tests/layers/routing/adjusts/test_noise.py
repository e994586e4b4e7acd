import numpy as np

from ctrmoe.layers.routing.adjusts import Noise


def test_noise_acts_while_training_with_its_deviation(random):
    logits = random.normal(size=(4000, 3)).astype("float32")
    scores = {"logits": logits, "scores": logits}
    noise = Noise(0.5, seed=3)

    np.testing.assert_array_equal(noise(scores, context={})["logits"], scores["logits"])
    found = noise(scores, context={}, training=True)

    added = np.asarray(found["logits"]) - scores["logits"]
    np.testing.assert_allclose(added.std(), 0.5, rtol=0.03)
    np.testing.assert_array_equal(found["scores"], found["logits"])
