import numpy as np
import pytest
import references

from ctrmoe.layers.pooling.target_attention import TargetAttention

KEEP = np.array([[1] * 5, [1, 1, 0, 0, 0], [0, 0, 1, 0, 1], [0] * 5], "bool")


@pytest.fixture
def sequence(random):
    return random.normal(size=(4, 5, 3)).astype("float32")


@pytest.fixture
def query(random):
    return random.normal(size=(4, 3)).astype("float32")


def activation(name, weights):
    """The activation of a layer as the reference takes it."""

    def dice(i, x):
        part = references.below(weights, f"activation_{i}")
        mean, variance = part["norm_moving_mean"], part["norm_moving_variance"]
        return references.dice(x, part["alpha"], mean, variance, 1e-8)

    def prelu(i, x):
        return np.where(x > 0, x, weights[f"activation_{i}_alpha"][0] * x)

    return {"dice": dice, "prelu": prelu, "tanh": lambda i, x: np.tanh(x)}[name]


@pytest.mark.parametrize("name", ["dice", "prelu", "tanh"])
@pytest.mark.parametrize("softmax", [False, True])
@pytest.mark.parametrize("units", [[4], [6, 4]])
def test_equals_the_equations(sequence, query, randomize, variables, name, softmax, units):
    layer = TargetAttention(units=units, activation=name, softmax=softmax)
    layer(sequence, KEEP, query)
    randomize(layer)
    for path, weight in variables(layer).items():
        if path.endswith("moving_variance"):
            weight.assign(np.abs(weight) + 0.5)
    weights = {path: w.numpy().astype("float64") for path, w in variables(layer).items()}

    out, attention = layer(sequence, KEEP, query), layer.attention(sequence, KEEP, query)

    rows = zip(sequence, KEEP, query, strict=True)
    expected = [
        references.target_attention(*row, weights, len(units), activation(name, weights), softmax)
        for row in rows
    ]
    np.testing.assert_allclose(out, [total for total, _ in expected], rtol=1e-3, atol=1e-4)
    flat = np.concatenate([scores for _, scores in expected])
    np.testing.assert_allclose(np.asarray(attention)[KEEP], flat, rtol=1e-3, atol=1e-4)
    assert (np.asarray(attention)[~KEEP] == 0).all()


def test_weights_of_a_row_sum_to_one_with_softmax_only(sequence, query):
    for softmax in (False, True):
        layer = TargetAttention(softmax=softmax)
        sums = np.asarray(layer.attention(sequence, KEEP, query)).sum(axis=1)
        assert np.allclose(sums[:3], 1, atol=1e-5) is softmax


def test_query_decides(sequence, query):
    layer = TargetAttention()

    out, other = layer(sequence, KEEP, query), layer(sequence, KEEP, query[::-1])

    assert not np.allclose(out[:3], other[:3], atol=1e-3)


def test_parameters():
    layer = TargetAttention(units=[7, 5])
    layer.build((None, 6, 3), (None, 3))

    # Two dense layers, Dice's α and its two moving averages, one unit.
    dense = (4 * 3 * 7 + 7) + (7 * 5 + 5)
    assert layer.count_params() == dense + 3 * (7 + 5) + (5 + 1)

    prelu = TargetAttention(units=[7, 5], activation="prelu", softmax=True)
    prelu.build((None, 6, 3), (None, 3))
    assert prelu.count_params() == dense + (7 + 5) + 5


def test_argument_out_of_range(sequence, query):
    with pytest.raises(ValueError, match=r"`units` must name at least one width. Received: .*\[\]"):
        TargetAttention(units=[])
    with pytest.raises(ValueError, match="`units` must be a positive integer. Received: units=0"):
        TargetAttention(units=[3, 0])
    message = "`query` must be given and as wide as the sequence, 3. Received: query.shape="
    with pytest.raises(ValueError, match=message + "None"):
        TargetAttention()(sequence, KEEP)
    with pytest.raises(ValueError, match=message + r"\(4, 2\)"):
        TargetAttention()(sequence, KEEP, query[:, :2])
