"""Weights of the values of a list, from preparation to the served model."""

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.data.encoded import read_encoded
from ctrmoe.data.prepare import prepare
from ctrmoe.export import export
from ctrmoe.export.raw_graph import RawGraph
from ctrmoe.export.raw_tensors import raw_tensors, serialize_examples
from ctrmoe.export.samples import sample_rows
from ctrmoe.schema import Schema, SchemaError
from ctrmoe.scorer import Scorer
from ctrmoe.training import train

SCHEMA = Schema.from_dict(
    {
        "name": "weighted",
        "tasks": [{"name": "click"}],
        "features": [
            {"name": "tags", "kind": "categorical", "max_length": 3, "weights": "tag shares"},
            {"name": "pages", "kind": "categorical", "max_length": 2, "weights": "visits"},
            {"name": "hour", "kind": "categorical"},
        ],
    }
)


def rows(count, seed):
    """The label is whether the tags called `yes` outweigh those called `no`."""
    random = np.random.default_rng(seed)
    tags = [list(random.choice(["yes", "no"], 2, replace=False)) for _ in range(count)]
    shares = [[float(w) for w in random.integers(0, 10, 2)] for _ in range(count)]
    labels = [
        int(share[tag.index("yes")] > share[tag.index("no")])
        for tag, share in zip(tags, shares, strict=True)
    ]
    pages = [[int(p) for p in random.integers(0, 9, random.integers(4))] for _ in range(count)]
    visits = [[1.0] * len(row) if random.random() < 0.5 else None for row in pages]
    return pl.DataFrame(
        {
            "click": labels,
            "tags": tags,
            "tag shares": shares,
            "pages": pl.Series(pages, dtype=pl.List(pl.Int64)),
            "visits": pl.Series(visits, dtype=pl.List(pl.Float32)),
            "hour": [str(h) for h in random.integers(0, 5, count)],
        }
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    out = tmp_path_factory.mktemp("weighted") / "prepared"
    prepare(SCHEMA, rows(3_000, 1), split="random:0.8,0.2", test=rows(500, 2), out=out)
    return out


def test_prepared_weights_are_those_of_the_encoder(prepared):
    ((encoded, _),) = read_encoded(prepared / "test", SCHEMA)

    expected = Encoder.load(prepared).encode(rows(500, 2))

    np.testing.assert_array_equal(encoded.weights, expected.weights)
    np.testing.assert_array_equal(encoded.sequences, expected.sequences)
    # Of the training part, which preparation keeps on the disk between its two passes.
    for part, _ in read_encoded(prepared / "train", SCHEMA):
        assert part.weights.shape == (len(part.ids), 5)
        assert set(np.unique(part.weights[:, 3:])) == {0.0, 1.0}


def test_graph_gives_the_weights_of_the_encoder(prepared):
    encoder = Encoder.load(prepared)
    sample = sample_rows(encoder, 1_000)

    packed = RawGraph(encoder, prepared)(raw_tensors(sample, encoder.schema))

    encoded = encoder.encode(sample)
    np.testing.assert_array_equal(packed["weights"], encoded.weights)
    np.testing.assert_array_equal(packed["sequences"], encoded.sequences)
    assert len(np.unique(encoded.weights)) == 4


def test_model_learns_from_weights_and_is_served_with_them(prepared, tmp_path):
    config = {
        "data": {"prepared": str(prepared)},
        "model": {"embedding": {"dim": 4}, "deep": {"units": [8]}},
        "train": {"epochs": 3, "batch_size": 100, "learning_rate": 0.03},
    }
    run = train(Config.from_dict(config), tmp_path / "run")

    served = tf.saved_model.load(str(export(run, tmp_path / "model")))

    assert run.metrics["best"]["valid_auc"] > 0.95  # 0.5 without the weights
    test = rows(200, 3)
    expected = Scorer.load(run.folder).score(test)["click_probability"]
    tensors = raw_tensors(test, run.schema)
    assert set(tensors) == {"tags", "tag shares", "pages", "visits", "hour"}
    answer = served.signatures["serving_default"](**tensors)["click"][:, 0]
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    examples = tf.constant(serialize_examples(test, run.schema))
    answer = served.signatures["serve_examples"](examples=examples)["click"][:, 0]
    np.testing.assert_allclose(answer, expected, atol=1e-5)


def test_list_of_another_length_is_named_by_file_and_row(tmp_path):
    table = rows(20, 1)
    shares = table["tag shares"].to_list()
    shares[7] = [1.0]
    table.with_columns(pl.Series("tag shares", shares)).write_parquet(tmp_path / "day.parquet")

    with pytest.raises(
        SchemaError,
        match="`tag shares` must have .* 1 weights for 2 values in .*day.parquet, row 8",
    ):
        prepare(SCHEMA, [tmp_path / "day.parquet"], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
