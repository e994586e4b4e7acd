import json

import numpy as np
import pytest

from ctrmoe.calibration import LogitMap

THREE = LogitMap((-1.0, 0.0, 2.0), (-3.0, 1.0, 2.0), 0.5)


@pytest.mark.parametrize(
    ("logit", "expected"),
    [(-3, -4), (-1, -3), (-0.5, -1), (0, 1), (1, 1.5), (2, 2), (4, 3)],
)
def test_map_runs_through_its_points(logit, expected):
    assert THREE([logit])[0] == pytest.approx(expected)


def test_map_of_one_point_is_a_line():
    line = LogitMap((0.0,), (0.25,), 2.0)

    np.testing.assert_allclose(line([-1, 0, 3]), [-1.75, 0.25, 6.25])


def test_map_keeps_the_order_of_distinct_logits():
    logits = np.sort(np.random.default_rng(0).normal(size=10_000) * 5)

    assert (np.diff(THREE(logits)) > 0).all()


def test_map_survives_json():
    assert LogitMap.from_dict(json.loads(json.dumps(THREE.to_dict()))) == THREE


@pytest.mark.parametrize(
    "parts",
    [
        ((), (), 1.0),
        ((0.0, 1.0), (0.0,), 1.0),
        ((0.0, 0.0), (0.0, 1.0), 1.0),
        ((0.0, 1.0), (1.0, 0.0), 1.0),
        ((0.0,), (0.0,), 0.0),
        ((0.0,), (float("nan"),), 1.0),
        ((0.0, float("inf")), (0.0, 1.0), 1.0),
    ],
)
def test_map_that_does_not_rise_or_is_not_finite(parts):
    with pytest.raises(ValueError, match="must be as many finite numbers that rise"):
        LogitMap(*parts)
