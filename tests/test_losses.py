import keras
import numpy as np
import pytest

from ctrmoe.losses import LogisticLoss

LABELS = np.array([1.0, 0.0, 1.0], np.float32)
LOGITS = np.array([2.0, -1.0, -40.0], np.float32)


def expected(label, logit):
    return max(logit, 0) - logit * label + np.log1p(np.exp(-abs(logit)))


def test_mean_of_the_rows():
    rows = [expected(y, z) for y, z in zip(LABELS, LOGITS, strict=True)]

    assert float(LogisticLoss()(LABELS, LOGITS)) == pytest.approx(np.mean(rows), rel=1e-6)


def test_weights_act_row_by_row():
    weights = np.array([4.0, 1.0, 0.0], np.float32)
    rows = [w * expected(y, z) for w, y, z in zip(weights, LABELS, LOGITS, strict=True)]

    assert float(LogisticLoss()(LABELS, LOGITS, sample_weight=weights)) == pytest.approx(
        np.mean(rows), rel=1e-6
    )


def test_config_round_trip():
    loss = keras.losses.deserialize(keras.losses.serialize(LogisticLoss(name="click")))

    assert isinstance(loss, LogisticLoss)
    assert loss.name == "click"
