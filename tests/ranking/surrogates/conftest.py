import numpy as np
import pytest

from ctrmoe.ranking.surrogates.categories import Categories


@pytest.fixture(scope="session")
def features():
    """Features of 4,000 rows, of which two tell something, and the labels."""
    random = np.random.default_rng(21)
    strong, weak, noise, many = (random.integers(0, n, 4_000) for n in (4, 6, 5, 900))
    logit = -1 + 0.8 * (strong - 1.5) + 0.4 * (weak - 2.5)
    labels = (random.random(4_000) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    columns = {"strong": strong, "weak": weak, "noise": noise, "many": many}
    columns |= {"copy": strong, "constant": np.zeros(4_000, np.int64)}
    named = {name: Categories(codes, int(codes.max()) + 1) for name, codes in columns.items()}
    return named, labels
