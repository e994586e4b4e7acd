import pytest

from ctrmoe.layers import INTERACTIONS, MLP, AutoInt, create

REGISTRY = {"mlp": MLP, "autoint": AutoInt}


class Plain:
    """A part that takes no options of a Keras layer."""

    def __init__(self, size, *, rate=0.5):
        self.size, self.rate = size, rate


def test_options_reach_the_constructor():
    layer = create(REGISTRY, "mlp", units=[4], dropout=0.5, name="deep", dtype="mixed_float16")

    assert isinstance(layer, MLP)
    assert (layer.units, layer.dropout, layer.name) == ([4], 0.5, "deep")
    assert layer.dtype_policy.name == "mixed_float16"


def test_defaults_are_those_of_the_signature():
    assert create(INTERACTIONS, "autoint").num_layers == AutoInt().num_layers


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (
            "autoin",
            {},
            "`kind` must be one of autoint, mlp. Received: kind='autoin'. Did you mean 'autoint'?",
        ),
        ("transformer", {}, r"Received: kind='transformer'\.$"),
        (
            "autoint",
            {"num_head": 2},
            r"`num_head` must be an option of 'autoint': num_layers, num_heads, .* "
            r"Received: num_head=2. Did you mean 'num_heads'\?",
        ),
        ("autoint", {"kwargs": 1}, "`kwargs` must be an option of 'autoint'"),
        ("autoint", {"autocast": False}, "`autocast` must be an option of 'autoint'"),
        (
            "mlp",
            {"dropout": 0.1},
            r"`units` must be given for 'mlp'. Received: options \['dropout'\]",
        ),
        ("mlp", {"units": [0]}, "`units` must be a positive integer"),
    ],
)
def test_part_that_cannot_be_made(kind, options, message):
    with pytest.raises(ValueError, match=message):
        create(REGISTRY, kind, **options)


def test_class_without_keyword_arguments_takes_its_signature_alone():
    assert create({"plain": Plain}, "plain", size=3).size == 3
    with pytest.raises(ValueError, match="`name` must be an option of 'plain': size, rate"):
        create({"plain": Plain}, "plain", size=3, name="a")
