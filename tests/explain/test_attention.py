import numpy as np
import polars as pl
import pytest
import references

from ctrmoe.data.dataset import pack
from ctrmoe.explain import attention_weights
from ctrmoe.explain.interaction import TrainedInteraction
from ctrmoe.explain.slices import Slice


@pytest.fixture(scope="module")
def autoint(make_run, sample):
    run = make_run("autoint")
    return run, attention_weights(run, sample)


@pytest.fixture(scope="module")
def by_hand(autoint, sample):
    """The weights of every row by the equations, `[B, layers, H, F, F]`."""
    model = autoint[0].model
    out = np.asarray(model.get_layer("embedding")(pack(sample.encoded)), "float64")
    alpha = []
    for layer in model.get_layer("interaction").layer.interacting_layers:
        weights = {"_".join(w.path.split("/")[-2:]): np.asarray(w) for w in layer.weights}
        out, own = references.autoint_layer(out, weights, 2)
        alpha.append(own)
    return np.stack(alpha, axis=1)


def test_means_are_those_of_the_equations_row_by_row(autoint, by_hand, sample):
    (flow,) = autoint[1]

    assert flow.name == "fields_to_fields"
    assert flow.queries == flow.keys == [f.name for f in autoint[0].schema.features]
    assert flow.layers == [1, 2]
    assert by_hand.std() > 0.01
    for part, rows, weights in zip(flow.slices, flow.rows, flow.weights, strict=True):
        chosen = np.ones(len(sample), bool)
        if part.domain:
            chosen = sample.domains == part.domain
        if part.task:
            chosen = sample.labels[part.task] == part.label
        assert rows == chosen.sum()
        np.testing.assert_allclose(weights, by_hand[chosen].mean(axis=0), atol=1e-4)
    # All rows, three domains, two labels of two tasks.
    assert len(flow.slices) == 1 + 3 + 4


def test_table_holds_every_weight_and_the_mean_of_layers_and_heads(autoint):
    (flow,) = autoint[1]
    table = flow.table()

    assert table.height == len(flow.slices) * (1 + 2 * 2) * 9 * 9
    own = table.filter(
        pl.col("task").is_null(), domain="placement_1", layer=2, head=1,
        query="item_id", key="tags",
    )  # fmt: skip
    place = flow.slices.index(Slice(domain="placement_1"))
    query, key = flow.queries.index("item_id"), flow.keys.index("tags")
    assert own["weight"].to_list() == [flow.weights[place, 1, 0, query, key]]
    assert own["rows"].to_list() == [flow.rows[place]]
    labelled = table.filter(task="click", label=1, query="item_id", key="tags")
    single, mean = (labelled.filter(pl.col("layer").is_null() == flag) for flag in (False, True))
    assert mean["weight"].item() == pytest.approx(single["weight"].mean())
    groups = table.group_by("domain", "task", "label", "layer", "head", "query")
    np.testing.assert_allclose(groups.agg(pl.col("weight").sum())["weight"], 1, atol=1e-5)


@pytest.fixture(scope="module")
def infnet(make_run, sample):
    """The flows of both versions, by name of the model and of the flow."""
    return {
        (name, flow.name): flow
        for name in ("infnet", "infnet_v2")
        for flow in attention_weights(make_run(name), sample)
    }


@pytest.mark.parametrize(
    ("name", "flow", "queries"),
    [
        ("infnet", "tasks_to_fields", ["click", "conversion"]),
        ("infnet", "task_proxies_to_sequences", ["task proxy 1", "task proxy 2"]),
        (
            "infnet_v2",
            "task_hubs_to_fields",
            ["click", "conversion", "shared task hub 1", "shared task hub 2"],
        ),
        ("infnet_v2", "sequence_hubs_to_tasks", ["sequence hub 1"]),
    ],
)
def test_flows_of_infnet(infnet, name, flow, queries):
    found = infnet[name, flow]

    assert found.queries == queries
    np.testing.assert_allclose(found.weights.sum(axis=-1), 1, atol=1e-5)
    assert flow.startswith("sequence") or found.weights.std() > 0.005


def test_rows_without_behaviour_do_not_count(make_run, infnet, sample):
    some = (sample.encoded.sequences[:, -5:] > 0).any(axis=1)

    found = infnet["infnet", "tasks_to_sequences"]

    assert 0 < some.sum() < len(sample)
    assert found.rows[0] == some.sum()
    assert infnet["infnet", "tasks_to_fields"].rows[0] == len(sample)
    assert found.keys == [f"history {i}" for i in range(1, 6)]
    interaction = TrainedInteraction.find(make_run("infnet").model)
    layers = interaction.attention(pack(sample.take(some).encoded))
    expected = [np.mean(flows["tasks_to_sequences"], axis=0) for flows in layers]
    np.testing.assert_allclose(found.weights[0], expected, atol=1e-6)


def test_progress_ends_with_all_rows(make_run, sample):
    seen = []
    attention_weights(make_run("autoint"), sample, progress=lambda *step: seen.append(step))

    assert seen[-1] == ("attention", len(sample), len(sample))


@pytest.mark.parametrize("name", ["fm", "fgcnn"])
def test_models_that_do_not_attend(make_run, sample, name):
    assert attention_weights(make_run(name), sample) == []
