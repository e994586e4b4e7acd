import numpy as np
import pytest

ROWS, FIELDS, DIM, LENGTHS = 5, 3, 4, (6, 4)


@pytest.fixture
def fields(random):
    return random.normal(size=(ROWS, FIELDS, DIM)).astype("float32")


@pytest.fixture
def sequences(random):
    return [random.normal(size=(ROWS, length, DIM)).astype("float32") for length in LENGTHS]


@pytest.fixture
def masks():
    """Padding nowhere, at the end, all of the first, all of the second, all of both."""
    counts = [(6, 4), (3, 2), (0, 3), (5, 0), (0, 0)]
    return [
        np.array([np.arange(length) < row[a] for row in counts]) for a, length in enumerate(LENGTHS)
    ]
