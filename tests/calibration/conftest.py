import numpy as np
import pytest
from scipy.special import expit


@pytest.fixture(scope="session")
def draw():
    """Draws logits and labels of rate `σ(truth(z))`: `draw(truth, rows, seed)`."""

    def draw(truth, rows=50_000, seed=0):
        random = np.random.default_rng(seed)
        logits = random.normal(-2, 1.5, rows).astype(np.float32).astype(np.float64)
        return logits, random.random(rows) < expit(truth(logits))

    return draw
