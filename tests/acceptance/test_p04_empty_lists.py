"""P4: a row whose sequences and lists are all empty gets a probability."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.layers import POOLINGS
from ctrmoe.layers.combiners import COMBINERS
from ctrmoe.model import build_model
from ctrmoe.schema import Schema

LISTS = ("tags", "joined", "history", "words")
EMPTY = {"tags": [], "joined": "", "history": [], "words": []}


@pytest.mark.parametrize("empty", [EMPTY, dict.fromkeys(LISTS)], ids=["empty", "null"])
@pytest.mark.parametrize("others_missing", [False, True])
def test_p4_probability_of_a_row_without_lists_is_finite(
    answers, every_kind, empty, others_missing
):
    rows = every_kind(3, 7).drop("click")
    columns = rows.to_dict(as_series=False) | {name: [empty[name]] * 3 for name in LISTS}
    if others_missing:
        columns |= {name: [None] * 3 for name in columns if name not in LISTS}

    predicted = answers(pl.DataFrame(columns, schema=rows.schema))

    for way, probabilities in predicted.items():
        assert np.isfinite(probabilities).all(), way
        np.testing.assert_allclose(probabilities, predicted["run"], atol=1e-6, err_msg=way)


CONFIGS = sorted((Path(__file__).parents[2] / "pipelines" / "configs").glob("*.toml"))
SCHEMA = Schema.from_dict(
    {
        "name": "lists",
        "tasks": [{"name": "click"}, {"name": "order"}],
        "features": [
            {"name": "item", "kind": "categorical"},
            {"name": "price", "kind": "numeric"},
            {"name": "history", "kind": "sequence", "max_length": 4, "vocabulary": "item"},
            {"name": "liked", "kind": "sequence", "max_length": 3, "vocabulary": "item"},
        ],
    }
)
FIELDS = [
    {"name": "item", "kind": "categorical", "vocabulary_size": 9},
    {"name": "price", "kind": "numeric"},
    {"name": "history", "kind": "sequence", "vocabulary_size": 9, "length": 4, "table": "item"},
    {"name": "liked", "kind": "sequence", "vocabulary_size": 9, "length": 3, "table": "item"},
]
MODELS = {path.stem: (path.stem, []) for path in CONFIGS}
MODELS |= {f"{kind} pooling": ("dnn", [f"model.pooling={{kind='{kind}'}}"]) for kind in POOLINGS}
MODELS |= {
    combiner: ("dnn", [f"model.embedding.features.history={{combiner='{combiner}'}}"])
    for combiner in COMBINERS
}


@pytest.mark.parametrize("name", MODELS)
def test_p4_every_model_and_pooling_stands_rows_of_padding(name):
    config, overrides = MODELS[name]
    config = Config.load(CONFIGS[0].with_stem(config), ["model.embedding.dim=4", *overrides])
    model = build_model(SCHEMA, config, fields=FIELDS)
    # As many rows as the most clusters that a config's router starts from.
    sequences = np.array([[3, 4, 0, 0, 3, 0, 0], [0] * 7, [0] * 7, [0] * 7], np.int32)
    inputs = {
        "ids": np.array([[3], [4], [1], [5]], np.int32),
        "sequences": sequences,
        "values": np.array([[0.5], [0.5], [np.nan], [2.0]], np.float32),
    }

    with tf.GradientTape() as tape:
        logits = model(inputs, training=True)
        loss = sum(tf.reduce_sum(tf.math.softplus(logit)) for logit in logits.values())
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_weights])

    for batch in (inputs, {key: matrix[1:] for key, matrix in inputs.items()}):
        assert all(np.isfinite(logit).all() for logit in model(batch, training=False).values())
    values = [g.values if isinstance(g, tf.IndexedSlices) else g for g in gradients]
    assert all(np.isfinite(value).all() for value in values if value is not None)
    assert len([value for value in values if value is not None]) > 1
