"""What every part of INFNet keeps: each argument in its config, and the layer that it gives."""

import keras
import pytest

from ctrmoe.layers.interactions.behaviour_sequences import BehaviourSequences
from ctrmoe.layers.interactions.broadcast_gated_unit import BroadcastGatedUnit
from ctrmoe.layers.interactions.cross_attention import CrossAttention
from ctrmoe.layers.interactions.infnet_block import INFNetBlock
from ctrmoe.layers.interactions.infnet_v2_block import INFNetV2Block
from ctrmoe.layers.interactions.proxy_gated_unit import ProxyGatedUnit
from ctrmoe.layers.interactions.sequence_hubs import SequenceHubs
from ctrmoe.layers.interactions.task_tokens import TaskTokens
from ctrmoe.layers.interactions.token_mean import TokenMean
from ctrmoe.layers.interactions.token_mlp import TokenMLP
from ctrmoe.layers.registry import constructor_parameters

# No option has its default.
CASES = [
    (BehaviourSequences, {"positions": True}),
    (BroadcastGatedUnit, {"expansion": 2}),
    (CrossAttention, {"num_heads": 2, "use_bias": True, "project_query": False}),
    (
        INFNetBlock,
        {
            "num_heads": 2,
            "num_gate_layers": 3,
            "pgu_proxies": "literal",
            "residual": False,
            "layer_norm": False,
            "share_task_projections": True,
            "gated_units": False,
            "cross_attention": False,
            "outputs": ["tasks", "fields"],
        },
    ),
    (INFNetV2Block, {"num_heads": 2, "expansion": 2, "last": True}),
    (ProxyGatedUnit, {"num_layers": 3}),
    (SequenceHubs, {}),
    (TaskTokens, {"count": 3}),
    (TokenMean, {}),
    (TokenMLP, {"counts": [3, 2]}),
]


@pytest.mark.parametrize(("cls", "options"), CASES, ids=[cls.__name__ for cls, _ in CASES])
def test_config_gives_every_option_and_the_same_layer(cls, options):
    layer = cls(**options, dtype="mixed_float16", name="part")

    copy = keras.layers.deserialize(keras.layers.serialize(layer))

    of_keras = {*constructor_parameters(keras.layers.Layer), "kwargs"}
    assert set(constructor_parameters(cls)) - of_keras == set(options)
    assert {name: layer.get_config()[name] for name in options} == options
    assert copy.get_config() == layer.get_config()
    assert (type(copy), copy.name, copy.dtype_policy.name) == (cls, "part", "mixed_float16")
