import math

import numpy as np
import pytest
import references

from ctrmoe.layers.interactions.infnet_block import PROXIES, STREAMS, INFNetBlock

COUNTS = {
    "fields": 5,
    "sequences": 9,
    "tasks": 2,
    "field_proxies": 3,
    "sequence_proxies": 2,
    "task_proxies": 1,
}
LITERAL = {"residual": False, "layer_norm": False}


def wave(shape, shift, height):
    """The numbers of the golden cases: `height · sin(0.7 k + shift)` of the k-th entry."""
    numbers = height * np.sin(0.7 * np.arange(math.prod(shape)) + shift)
    return numbers.reshape(shape).astype("float32")


@pytest.fixture
def tokens(random):
    return {
        name: random.normal(size=(3, count, 4)).astype("float32") for name, count in COUNTS.items()
    }


@pytest.fixture
def keep(random):
    keep = random.random((3, 9)) > 0.4
    keep[1] = False
    return keep


# Computed in float64 by a program that shares nothing with ours.
GOLDEN_COUNTS = {
    "fields": (3, 0.1),
    "field_proxies": (2, 0.2),
    "sequences": (4, 0.3),
    "sequence_proxies": (2, 0.4),
    "tasks": (2, 0.5),
    "task_proxies": (1, 0.6),
}
GOLDEN_FLOWS = {
    "field_proxies_to_sequences": 1,
    "field_proxies_to_tasks": 2,
    "sequence_proxies_to_fields": 3,
    "sequence_proxies_to_tasks": 4,
    "task_proxies_to_fields": 5,
    "task_proxies_to_sequences": 6,
    "tasks_to_fields": 7,
    "tasks_to_sequences": 8,
}


@pytest.mark.parametrize(
    ("pgu_proxies", "gated"),
    [
        ("literal", [0.948677, 0.635903, -0.096147]),
        ("updated", [0.910685, 0.620706, -0.093731]),
    ],
)
def test_golden_numbers(variables, pgu_proxies, gated):
    layer = INFNetBlock(num_gate_layers=1, pgu_proxies=pgu_proxies, **LITERAL)
    tokens = {
        name: wave((1, count, 4), shift, 1.0) for name, (count, shift) in GOLDEN_COUNTS.items()
    }
    layer(tokens)
    weights = variables(layer)
    for name, number in GOLDEN_FLOWS.items():
        for i, kernel in enumerate(("query", "key", "value")):
            weights[f"{name}_{kernel}_kernel"].assign(wave((4, 4), number + i / 10, 0.3))
    for number, (kind, proxies) in enumerate(PROXIES.items(), start=10):
        rows = 4 * GOLDEN_COUNTS[proxies][0]
        weights[f"{kind}_gate_mlp_kernel_0"].assign(wave((rows, 4), number, 0.3))

    out = {name: np.asarray(x) for name, x in layer(tokens).items()}
    flows = [
        layer.attentions[f"tasks_to_{context}"](tokens["tasks"], tokens[context])
        for context in ("fields", "sequences")
    ]

    sums = [out[name].sum() for name in PROXIES.values()]
    np.testing.assert_allclose(sums, [0.257619, -0.12985, 0.154316], atol=1e-5)
    assert np.sum(flows) == pytest.approx(-0.187017, abs=1e-5)
    np.testing.assert_allclose([out[name].sum() for name in PROXIES], gated, atol=1e-5)
    if pgu_proxies == "updated":
        first = [0.009853, -0.009189, -0.023951, -0.027446]
        np.testing.assert_allclose(out["tasks"][0, 0], first, atol=1e-6)


@pytest.mark.parametrize(
    "flags",
    [
        {},
        LITERAL,
        {"pgu_proxies": "literal"},
        {"layer_norm": False, "num_heads": 2},
        {"residual": False, "share_task_projections": True, "num_gate_layers": 1},
    ],
    ids=str,
)
def test_equals_the_equations(tokens, keep, randomize, flags):
    layer = INFNetBlock(**flags)
    layer(tokens)
    weights = randomize(layer)

    out = layer(tokens, keep=keep)
    expected = [
        references.infnet_block({name: x[b] for name, x in tokens.items()}, weights, k, **flags)
        for b, k in enumerate(keep)
    ]

    assert set(out) == set(STREAMS)
    for name, x in out.items():
        kept = keep if name == "sequences" else np.ones(x.shape[:2], "bool")
        rows = np.stack([row[name] for row in expected])
        np.testing.assert_allclose(x[kept], rows[kept], rtol=1e-3, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("pgu_proxies", ["updated", "literal"])
@pytest.mark.parametrize("outputs", [["tasks"], ["fields"], ["tasks", "task_proxies"]], ids=str)
def test_what_is_left_out_does_not_reach_the_outputs(tokens, keep, pgu_proxies, outputs):
    full = INFNetBlock(pgu_proxies=pgu_proxies)
    part = INFNetBlock(pgu_proxies=pgu_proxies, outputs=outputs)
    used = {name: tokens[name] for name in part.inputs}
    whole, _ = full(tokens, keep=keep), part(used, keep=keep)
    by_place = {w.path.split("/", 1)[1]: w for w in full.weights}

    for weight in part.weights:
        weight.assign(by_place[weight.path.split("/", 1)[1]])

    assert len(part.weights) < len(full.weights)
    out = part(used, keep=keep)
    assert set(out) == set(outputs)
    for name, x in out.items():
        np.testing.assert_allclose(x, whole[name], atol=1e-6)


@pytest.mark.parametrize(
    ("pgu_proxies", "outputs", "inputs"),
    [
        ("updated", ["tasks"], {"fields", "sequences", "tasks", "task_proxies"}),
        ("literal", ["tasks"], {"fields", "sequences", "tasks", "task_proxies"}),
        ("updated", ["fields"], {"fields", "field_proxies", "sequences", "tasks"}),
        ("literal", ["fields"], {"fields", "field_proxies"}),
        ("updated", STREAMS, set(STREAMS)),
    ],
)
def test_inputs_are_what_the_outputs_need(pgu_proxies, outputs, inputs):
    assert set(INFNetBlock(pgu_proxies=pgu_proxies, outputs=outputs).inputs) == inputs


def test_parameters(tokens):
    shapes = {name: (None, count, 8) for name, count in COUNTS.items()} | {
        "field_proxies": (None, 2, 8)
    }
    layer, shared = (
        INFNetBlock(num_gate_layers=1, layer_norm=False, share_task_projections=share)
        for share in (False, True)
    )
    for block in (layer, shared):
        block.build(shapes)

    # 8 attentions of 3 d², gates of (m d) d + d, (F d) d + d and (N_s d) d + d.
    assert layer.count_params() == 8 * 3 * 64 + (128 + 8) + (128 + 8) + (64 + 8) == 1_880
    assert shared.count_params() == 1_880 - 2 * 3 * 64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pgu_proxies": "both"}, "`pgu_proxies` must be one of 'updated', 'literal'"),
        ({"outputs": ["task"]}, "`outputs` must be one of 'fields', .* Received: outputs='task'"),
        ({"num_heads": 0}, "`num_heads` must be a positive integer"),
        ({"num_gate_layers": 0}, "`num_layers` must be a positive integer"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        INFNetBlock(**options)


@pytest.mark.parametrize("num_heads", [1, 2])
def test_attention_of_every_flow(tokens, keep, randomize, num_heads):
    layer = INFNetBlock(num_heads=num_heads)
    layer(tokens)
    weights = randomize(layer)

    flows = layer.attention(tokens, keep=keep)

    assert set(flows) == {f"{target}_to_{context}" for target, context in references.INFNET_FLOWS}
    for name, alpha in flows.items():
        target, _, context = name.partition("_to_")
        part = references.below(weights, name)
        expected = [
            references.attention_weights(
                tokens[target][b],
                tokens[context][b],
                part,
                num_heads,
                keep[b] if context == "sequences" else None,
            )
            for b in range(3)
        ]
        np.testing.assert_allclose(alpha, expected, atol=1e-4, err_msg=name)
