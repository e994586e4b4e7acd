import numpy as np
import pytest

from ctrmoe.calibration.shift import shift
from ctrmoe.metrics import pcoc


@pytest.mark.parametrize("center", [-40.0, -3.0, 0.0, 25.0])
def test_mean_probability_becomes_the_rate(draw, center):
    logits, positives = draw(lambda z: z)
    moved = logits + center

    assert pcoc(positives, moved + shift(moved, positives)) == pytest.approx(1, abs=1e-9)


def test_equal_logits():
    assert shift(np.full(4, 7.0), np.array([True, False, True, False])) == pytest.approx(-7)
