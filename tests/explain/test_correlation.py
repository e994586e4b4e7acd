import numpy as np
import pytest

from ctrmoe.explain.correlation import fisher_interval, multiple_correlation, pearson

random = np.random.default_rng(2)


def test_pearson_of_every_column():
    target = random.normal(size=200)
    columns = np.stack([target + random.normal(size=200) * s for s in (0.1, 1, 10)], axis=1)

    found = pearson(columns.astype("float32"), target.astype("float32"))

    expected = [np.corrcoef(column, target)[0, 1] for column in columns.T]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found[0] > 0.99


def test_what_is_constant_has_no_correlation():
    columns = np.stack([np.full(50, 0.1), np.arange(50)], axis=1).astype("float32")

    assert np.isnan(pearson(columns, columns[:, 1])).tolist() == [True, False]
    assert np.isnan(pearson(columns, columns[:, 0])).all()
    assert np.isnan(multiple_correlation(columns[:, 1:], columns)).tolist() == [True, False]


def test_fisher_interval_of_a_worked_example():
    # artanh 0.5 = 0.549306; the deviation is 1/√25; tanh(0.549306 ∓ 0.391993)
    low, high = fisher_interval(np.array([0.5]), 28)

    assert low[0] == pytest.approx(0.156028, abs=1e-5)
    assert high[0] == pytest.approx(0.735818, abs=1e-5)


def test_fisher_interval_at_its_ends():
    low, high = fisher_interval(np.array([1.0, 0.3, np.nan]), 3)

    np.testing.assert_array_equal(low, [-1, -1, np.nan])
    np.testing.assert_array_equal(high, [1, 1, np.nan])
    assert fisher_interval(np.array([1.0]), 100)[0][0] > 0.999


def test_fisher_interval_covers_the_truth():
    rho, rows, inside = 0.6, 40, 0
    for _ in range(600):
        x = random.normal(size=rows)
        y = rho * x + np.sqrt(1 - rho**2) * random.normal(size=rows)
        low, high = fisher_interval(pearson(x[:, None], y), rows)
        inside += low[0] < rho < high[0]

    assert 0.92 < inside / 600 < 0.98


def test_multiple_correlation_is_that_of_the_least_squares_fit():
    tokens = random.normal(size=(300, 4)) + 5
    targets = np.stack([tokens @ [1, -2, 0, 3] + random.normal(size=300), tokens[:, 1]], axis=1)

    found = multiple_correlation(tokens.astype("float32"), targets.astype("float32"))

    design = np.column_stack([tokens, np.ones(300)])
    fitted = design @ np.linalg.lstsq(design, targets, rcond=None)[0]
    expected = [np.corrcoef(fitted[:, i], targets[:, i])[0, 1] for i in range(2)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found[1] == pytest.approx(1)


def test_multiple_correlation_with_tokens_of_less_than_full_rank():
    token = random.normal(size=(100, 1)).astype("float32")
    target = (token + random.normal(size=(100, 1))).astype("float32")

    repeated = multiple_correlation(np.repeat(token, 3, axis=1), target)

    np.testing.assert_allclose(repeated, multiple_correlation(token, target), atol=1e-6)
    assert multiple_correlation(np.ones((100, 3), "float32"), target) == 0
