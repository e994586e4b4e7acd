import numpy as np
import pytest

from ctrmoe.layers.schedule import Schedule


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("linear", [2, 1.5, 1, 0.5, 0, 0]), ("cosine", [2, 1.7071068, 1, 0.2928932, 0, 0])],
)
def test_schedule_goes_from_start_to_end_and_stays(kind, expected):
    schedule = Schedule("weight", {"kind": kind, "start": 2.0, "end": 0.0, "steps": 4})

    found = [float(schedule({"step": step})) for step in (0, 1, 2, 3, 4, 100)]

    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert schedule.needs == ("step",)


def test_number_is_constant_and_needs_no_step():
    schedule = Schedule("weight", 0.3)

    assert schedule({}) == 0.3
    assert schedule.needs == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "`weight` must not be negative"),
        ({"kind": "linear", "start": -1.0, "end": 0.0, "steps": 4}, "`start` must not be negative"),
        ({"kind": "linear", "start": 1.0, "end": 0.0, "steps": 0}, "`steps` must be a positive"),
        ({"kind": "linear", "start": 1.0, "end": 0.0}, "`steps` must be given"),
        ({"kind": "linaer", "start": 1.0, "end": 0.0, "steps": 4}, "Did you mean 'linear'"),
    ],
)
def test_values_that_are_no_schedule(value, message):
    with pytest.raises(ValueError, match=message):
        Schedule("weight", value)
