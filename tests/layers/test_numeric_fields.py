import numpy as np
import pytest

from ctrmoe.layers import Field
from ctrmoe.layers.numeric_fields import NumericFields

NAN = float("nan")
BINS = (0.0, 1.0, 2.0)


def number(name, kind="", **options):
    numeric = {"kind": kind, **options} if kind else {}
    return Field(name=name, kind="numeric", numeric=numeric, quantiles=BINS)


@pytest.fixture
def fields():
    return [
        number("a", "piecewise_linear", num_bins=2),
        number("b", "bottom_mlp", units=[3]),
        number("c"),
        number("d", "piecewise_linear", num_bins=2),
        number("e", "bottom_mlp", units=[3]),
        number("f", "autodis", num_embeddings=4),
    ]


def test_each_field_is_read_by_its_own_embedding(fields, randomize, random):
    layer = NumericFields(fields, 4)
    layer.build((None, 6))
    randomize(layer)
    x = random.normal(size=(5, 6)).astype("float32")
    x[1, 3] = x[2, 1] = NAN

    tokens = np.asarray(layer(x))

    piecewise, mlp, linear, autodis = layer.embeddings
    assert layer.first_fields == [0, 1, 2, 3, 5]
    np.testing.assert_array_equal(tokens[:, [0, 3]], piecewise(x[:, [0, 3]]))
    np.testing.assert_array_equal(tokens[:, [1]], mlp(x[:, [1, 4]]))
    np.testing.assert_array_equal(tokens[:, [2]], linear(x[:, [2]]))
    np.testing.assert_array_equal(tokens[:, [4]], autodis(x[:, [5]]))


def test_fields_of_equal_options_share_a_layer_but_no_weights(randomize):
    layer = NumericFields([number("a", "autodis"), number("b", "autodis")], 4)
    layer.build((None, 2))
    randomize(layer)

    tokens = np.asarray(layer(np.array([[1.0, 1.0]], "float32")))[0]

    assert len(layer.embeddings) == 1
    assert np.abs(tokens[0] - tokens[1]).max() > 1e-3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "fourier"}, "`kind` must be one of autodis, .* Received: kind='fourier'"),
        ({"kind": "autodis", "bins": 3}, "`bins` must be an option of 'autodis': .* bins=3"),
        ({"units": [3]}, "`units` must be an option of 'linear'"),
        (
            {"kind": "piecewise_linear"},
            "`quantiles` of field 'x' must be known for 'piecewise_linear'. Received: none. "
            "Prepare the data again",
        ),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        NumericFields([Field(name="x", kind="numeric", numeric=options)], 4)
