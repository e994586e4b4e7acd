import numpy as np
import pytest
import references

from ctrmoe.layers.interactions.infnet_v2_block import HUBS, INFNetV2Block

COUNTS = {
    "fields": 5,
    "sequences": 9,
    "tasks": 2,
    "field_hubs": 4,
    "sequence_hubs": 2,
    "task_hubs": 3,
}


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


@pytest.mark.parametrize(
    "options", [{}, {"num_heads": 2}, {"last": True}, {"expansion": 1}], ids=str
)
def test_equals_the_equations(tokens, keep, randomize, options):
    layer = INFNetV2Block(**options)
    layer(tokens)
    weights = randomize(layer)
    heads = options.get("num_heads", 1)

    out = layer(tokens, keep=keep)
    expected = [
        references.infnet_v2_block({n: x[b] for n, x in tokens.items()}, weights, k, heads)
        for b, k in enumerate(keep)
    ]

    assert set(out) == set(COUNTS)
    for name, x in out.items():
        rows = np.stack([row[name] for row in expected])
        np.testing.assert_allclose(x, rows, rtol=1e-3, atol=1e-4, err_msg=name)


def test_last_block_updates_the_tasks_as_any_other(tokens, keep):
    whole, last = INFNetV2Block(), INFNetV2Block(last=True)
    expected, _ = whole(tokens, keep=keep), last(tokens, keep=keep)
    by_place = {w.path.split("/", 1)[1]: w for w in whole.weights}
    for weight in last.weights:
        weight.assign(by_place[weight.path.split("/", 1)[1]])

    out = last(tokens, keep=keep)

    np.testing.assert_allclose(out["tasks"], expected["tasks"], atol=1e-6)
    for name in ("fields", "sequences", "field_hubs", "sequence_hubs"):
        np.testing.assert_array_equal(out[name], tokens[name])


def test_attention_of_every_hub(tokens, keep, randomize):
    layer = INFNetV2Block(num_heads=2)
    layer(tokens)
    weights = randomize(layer)

    flows = layer.attention(tokens, keep=keep)

    kinds = ("fields", "sequences", "tasks")
    assert set(flows) == {f"{HUBS[kind]}_to_{context}" for kind in kinds for context in kinds}
    for kind in kinds:
        kernel, bias = weights[f"{kind}_query_kernel"], weights[f"{kind}_query_bias"]
        query = tokens[HUBS[kind]] @ kernel + bias
        for context in kinds:
            part = {"query_kernel": np.eye(4), **references.below(weights, f"to_{context}")}
            padding = keep if context == "sequences" else [None] * 3
            expected = [
                references.attention_weights(query[b], tokens[context][b], part, 2, padding[b])
                for b in range(3)
            ]
            found = flows[f"{HUBS[kind]}_to_{context}"]
            np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=f"{kind} {context}")


def test_parameters():
    d = 8
    layer = INFNetV2Block()
    layer.build({name: (None, count, d) for name, count in COUNTS.items()})

    # UniRank's count, less the three biases of keys, which the softmax cancels.
    shared = 6 * (d * d + d) - 3 * d
    gather = 3 * ((d * d + d) + (3 * d * d + d) + 2 * d)
    hubs = (COUNTS[f"{kind}_hubs"] for kind in ("field", "sequence", "task"))
    gates = sum(n * d * 4 * d + 4 * d + 8 * d * d + 2 * d + 2 * d for n in hubs)
    assert layer.count_params() == shared + gather + gates


@pytest.mark.parametrize("option", ["num_heads", "expansion"])
def test_argument_out_of_range(option):
    message = f"`{option}` must be a positive integer. Received: {option}=0"
    with pytest.raises(ValueError, match=message):
        INFNetV2Block(**{option: 0})
