import numpy as np
import pytest

LOGITS = np.log(np.array([[0.5, 0.3, 0.15, 0.05], [0.1, 0.2, 0.3, 0.4]], "float32"))


@pytest.fixture
def select():
    """Returns a function that gives the routing of two rows by a selector."""

    def run(selector, scores=LOGITS):
        routing = selector({"logits": LOGITS, "scores": scores})
        return {name: np.asarray(tensor) for name, tensor in routing.items()}

    return run
