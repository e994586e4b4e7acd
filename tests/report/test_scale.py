import math

import numpy as np
import pytest

from ctrmoe.report.scale import MIN_DISTANCE, Scale, number_text


def test_linear_places():
    scale = Scale(10.0, 20.0)

    assert [scale.place(v) for v in (10, 12.5, 20, 5, 99)] == [0, 0.25, 1, 0, 1]


def test_bent_places_are_those_of_the_inverse_hyperbolic_sine():
    scale = Scale(-1.0, 100.0, linear=0.5)

    bent = [math.asinh(v / 0.5) for v in (-1.0, 3.0, 100.0)]
    assert scale.place(3.0) == pytest.approx((bent[1] - bent[0]) / (bent[2] - bent[0]))


@pytest.mark.parametrize("linear", [0.0, 0.001, 0.3])
@pytest.mark.parametrize("ends", [(-0.002, 0.7), (0.0, 1.0), (0.5, 0.9), (-3.0, 4e6), (7.0, 7.0)])
def test_ticks_are_inside_and_apart_and_few(linear, ends):
    scale = Scale.around(ends, linear)

    ticks = scale.ticks()
    places = [scale.place(tick) for tick in ticks]
    assert 1 <= len(ticks) <= 1 / MIN_DISTANCE + 1
    assert all(scale.low <= tick <= scale.high for tick in ticks)
    assert len(ticks) == 1 or min(np.diff(places)) >= MIN_DISTANCE - 1e-9


def test_bent_ticks_are_zero_and_powers_of_ten():
    assert Scale(-0.001, 0.9, 0.001).ticks() == [0.0, 0.01, 0.1]


def test_linear_ticks_are_round():
    assert Scale(0.0, 1.0).ticks() == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])


def test_axis_holds_all_that_is_finite():
    scale = Scale.around([0.0, 1.0, math.nan, math.inf])

    assert (scale.low, scale.high) == pytest.approx((-0.03, 1.03))
    assert Scale.around([]).place(0.5) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (-0.0, "0"), (0.1 * 3, "0.3"), (1e-5, "1e-5"), (1234.5, "1,234"), (2e9, "2e9")],
)
def test_texts_are_short(value, text):
    assert number_text(value) == text
