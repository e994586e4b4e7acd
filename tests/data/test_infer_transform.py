import numpy as np
import pytest

from ctrmoe.data.infer_transform import guess_transform, skewness

ROWS = 2_000


def test_skewness_equals_scipy_definition():
    values = np.random.default_rng(0).exponential(size=200_000)

    # An exponential distribution has skewness 2.
    assert skewness(values) == pytest.approx(2.0, rel=0.05)
    assert skewness(np.ones(3)) == 0.0


@pytest.mark.parametrize(
    ("draw", "transform"),
    [
        (lambda rng: rng.normal(size=ROWS), "standard"),
        (lambda rng: rng.uniform(0, 1000, ROWS), "standard"),
        (lambda rng: rng.lognormal(0, 2, ROWS), "log"),
        # ln(x) leans to the left, ln(x)^2 is symmetric.
        (lambda rng: np.exp(np.sqrt(np.maximum(rng.normal(60, 18, ROWS), 1))), "log_square"),
        (lambda rng: np.where(rng.random(ROWS) < 0.2, -1, rng.lognormal(5, 2, ROWS)), "log"),
        # Skewed, but reaching far below zero.
        (lambda rng: rng.exponential(1, ROWS) ** 2 - 10, "standard"),
        # Within [0, 1] a logarithm changes little.
        (lambda rng: rng.beta(0.3, 9, ROWS), "standard"),
    ],
)
def test_transform_follows_the_skewness(draw, transform):
    options, _ = guess_transform(draw(np.random.default_rng(1)))

    assert options == {"transform": transform}


def test_numbers_that_are_often_the_same_become_ranges():
    rng = np.random.default_rng(1)
    values = np.where(rng.random(ROWS) < 0.9, 0.0, rng.lognormal(5, 2, ROWS))

    options, reason = guess_transform(values)

    assert options == {"transform": "quantile", "buckets": 128}
    assert reason == f"0 in {(values == 0).mean():.0%} of the rows: ranges"
