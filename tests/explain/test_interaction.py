import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.data.dataset import pack
from ctrmoe.explain.interaction import TrainedInteraction
from ctrmoe.layers import FGCNN, AutoInt, INFNet, INFNetV2
from ctrmoe.prediction import batches

SINGLE = [
    "placement", "user_id", "item_id", "category", "number_0", "number_1", "number_2", "tags"
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "layer", "fields", "positions"),
    [
        ("autoint", AutoInt, [*SINGLE, "history"], []),
        ("fgcnn", FGCNN, [*SINGLE, "history"], []),
        ("infnet", INFNet, SINGLE, [f"history {i}" for i in range(1, 6)]),
        ("infnet_v2", INFNetV2, SINGLE, [f"history {i}" for i in range(1, 6)]),
    ],
)
def test_finds_the_interaction_and_names_what_it_reads(make_run, name, layer, fields, positions):
    found = TrainedInteraction.find(make_run(name).model)

    assert type(found.layer) is layer
    assert found.fields == fields
    assert found.positions == positions


def test_a_model_without_interaction(make_run):
    assert TrainedInteraction.find(make_run("fm").model) is None


def test_attention_is_that_of_the_tokens_that_the_interaction_gets(make_run, sample):
    """The layer called by hand gives the model's logits, so its inputs are those of the model."""
    run = make_run("infnet")
    inputs = {name: tf.constant(matrix[:8]) for name, matrix in pack(sample.encoded).items()}
    found = TrainedInteraction.find(run.model)
    embedded = run.model.get_layer("embedding")(inputs)
    sequences, masks = (list(embedded[key].values()) for key in ("sequences", "masks"))

    tokens = found.layer(embedded["tokens"], sequences=sequences, sequences_mask=masks)
    weights = found.attention(inputs)

    logits = run.model.get_layer("click_tower")(tokens[:, 0])
    np.testing.assert_allclose(
        np.ravel(logits), np.ravel(run.model(inputs)["click"]), rtol=1e-4, atol=1e-5
    )
    expected = found.layer.attention(embedded["tokens"], sequences, masks)
    for layer, own in zip(weights, expected, strict=True):
        assert set(layer) == set(own)
        np.testing.assert_array_equal(layer["tasks_to_fields"], own["tasks_to_fields"])


def test_batches_hold_every_row_once(run, sample):
    parts = list(batches(run.model, sample.encoded, 128))

    assert [where.stop - where.start for where, _ in parts] == [128, 22]
    for name, matrix in pack(sample.encoded).items():
        joined = np.concatenate([inputs[name] for _, inputs in parts])
        np.testing.assert_array_equal(joined, matrix)
