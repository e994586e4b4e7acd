import numpy as np
import tensorflow as tf

from ctrmoe.layers import ChainedLogit

LOGITS = [-1e4, -90.0, -30.0, -2.0, 0.0, 0.5, 3.0, 30.0, 90.0, 1e4]
PAIRS = np.array([(a, b) for a in LOGITS for b in LOGITS], "float32").T


def test_probability_is_the_product():
    first, second = PAIRS[:, (np.abs(PAIRS) < 10).all(axis=0)].astype("float64")

    logit = np.asarray(ChainedLogit()([first.astype("float32"), second.astype("float32")]))

    product = 1 / (1 + np.exp(-first)) / (1 + np.exp(-second))
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), product, rtol=1e-5)


def test_digits_near_zero_and_one_are_kept():
    layer = ChainedLogit()

    np.testing.assert_allclose(layer([np.float32([-90]), np.float32([30])]), [-90], rtol=1e-6)
    # 1 - p = 2 e^-30
    np.testing.assert_allclose(
        layer([np.float32([30]), np.float32([30])]), [30 - np.log(2)], rtol=1e-6
    )


def test_extreme_logits_have_finite_gradients():
    first, second = (tf.constant(logits) for logits in PAIRS)

    with tf.GradientTape() as tape:
        tape.watch([first, second])
        logit = ChainedLogit()([first, second])
    gradients = tape.gradient(logit, [first, second])

    assert all(np.isfinite(x).all() for x in (logit, *gradients))
    assert all((np.asarray(gradient) >= 0).all() for gradient in gradients)


def test_single_precision_under_mixed_precision():
    logits = [np.float32([-9.87654]), np.float32([1.23456])]

    half = ChainedLogit(dtype="mixed_bfloat16")(logits)

    np.testing.assert_array_equal(half, ChainedLogit()(logits))
