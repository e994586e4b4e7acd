"""Derived features are served from the raw columns, with the ids that preparation gives."""

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.data.prepare import prepare
from ctrmoe.export import export
from ctrmoe.export.raw_graph import RawGraph, served_schema
from ctrmoe.export.raw_tensors import raw_tensors, serialize_examples
from ctrmoe.export.samples import sample_rows
from ctrmoe.schema import Schema
from ctrmoe.scorer import Scorer
from ctrmoe.training import train
from ctrmoe.transforms import PRESETS

SCHEMA = Schema.from_dict(
    {
        "name": "derived",
        "domain": "shop",
        "tasks": [{"name": "click"}],
        "features": [
            {"name": "item", "kind": "categorical"},
            {"name": "shop x item", "kind": "categorical", "cross": ["shop", "item"]},
            {"name": "text x hour", "kind": "categorical", "cross": ["text", "hour"]}
            | {"min_count": 2, "oov_buckets": 5},
            {"name": "all", "kind": "categorical", "cross": ["hour", "text", "item", "shop"]}
            | {"hash_buckets": 50},
            {"name": "price x shop", "kind": "categorical", "cross": ["price", "shop"]}
            | {"cross_edges": [[0.25, 0.5, 1.0, 2.0], []]},
            {"name": "balance x price", "kind": "categorical", "cross": ["balance", "price"]}
            | {
                "cross_edges": [[-50.0, 0.0, 0.1], [1.0]],
                "where": {"column": "shop", "equals": "a"},
            },
            {"name": "item at 2", "kind": "categorical", "source": "item"}
            | {"where": {"column": "hour", "equals": 2}},
            {"name": "cross at 3", "kind": "categorical", "cross": ["shop", "text"]}
            | {"where": {"column": "item", "equals": 3}},
            {"name": "history in a", "kind": "sequence", "max_length": 3, "source": "history"}
            | {"vocabulary": "item", "where": {"column": "shop", "equals": "a"}},
            {"name": "tags of é", "kind": "categorical", "max_length": 2, "separator": "|"}
            | {"source": "tags", "where": {"column": "text", "equals": "é"}},
            {"name": "price", "kind": "numeric", "transform": "standard"},
            {"name": "price in b", "kind": "numeric", "source": "price", "transform": "log"}
            | {"where": {"column": "shop", "equals": "b"}},
            {"name": "bucket", "kind": "numeric", "source": "price", "transform": "quantile"},
            *(
                {"name": f"balance {name}", "kind": "numeric", "source": "balance"}
                | {"transform": name}
                for name in (*PRESETS["default"], "standard", "log", "log_square", "range_share")
            ),
        ],
    }
)


def table(rows=600, seed=0):
    random = np.random.default_rng(seed)
    pools = {
        "shop": [None, "a", "b"],
        "item": [None, 1, 2, 3, 23, -7, 2**62],
        "hour": [0, 1, 2],
        "text": [None, "", "é", ":", "1:a,", "日本", "\x1f", "x" * 300],
        "tags": ["", "x|y|z", "|y", None],
    }
    drawn = {
        name: [pool[i] for i in random.integers(len(pool), size=rows)]
        for name, pool in pools.items()
    }
    return pl.DataFrame(
        {
            "click": random.integers(0, 2, rows),
            **drawn,
            "history": [random.integers(0, 5, random.integers(5)).tolist() for _ in range(rows)],
            "price": random.lognormal(size=rows),
            "balance": random.normal(scale=100, size=rows).round(),
        }
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    out = tmp_path_factory.mktemp("derived") / "prepared"
    prepare(SCHEMA, table(), valid=table(100, seed=1), out=out)
    return out


def test_graph_gives_the_ids_of_the_encoder(prepared):
    encoder = Encoder.load(prepared)

    for rows in (sample_rows(encoder, 3_000), table(500, seed=2)):
        rows = pl.concat([rows, rows.clear(n=1)])
        rows = rows.with_columns(
            pl.when(pl.int_range(pl.len()) > 9).then("balance").otherwise(1e-40)
        )
        served = served_schema(encoder, reads_domain=True)
        packed = RawGraph(encoder, prepared, reads_domain=True)(raw_tensors(rows, served))
        encoded = encoder.encode(rows)
        np.testing.assert_array_equal(packed["ids"], encoded.ids)
        np.testing.assert_array_equal(packed["sequences"], encoded.sequences)
        np.testing.assert_allclose(packed["values"], encoded.values, rtol=1e-6)
        # Missing, unknown and known values of each kind were among them.
        assert (encoded.ids == 1).any(axis=0).all()
        assert (encoded.ids.max(axis=0) > 6).all()
        assert np.isnan(encoded.values).any(axis=0).all()


def test_served_columns_are_the_raw_ones_in_their_types(prepared):
    encoder = Encoder.load(prepared)

    signature = RawGraph(encoder, prepared).signature

    assert {name: (of.dtype, of.shape[1]) for name, of in signature.items()} == {
        "item": (tf.int64, 1),
        "shop": (tf.string, 1),
        "text": (tf.string, 1),
        "hour": (tf.int64, 1),
        "price": (tf.float32, 1),
        "balance": (tf.float32, 1),
        "history": (tf.int64, None),
        "tags": (tf.string, 1),
    }


def test_self_check_draws_known_joint_values(prepared):
    encoder = Encoder.load(prepared)

    rows = sample_rows(encoder, 2_000)

    assert set(rows["hour"].drop_nulls()) >= {0, 1, 2}
    assert set(rows["text"].drop_nulls()) >= {"é", ":", "1:a,", "日本"}
    known = encoder.encode(rows).ids[:, 1] > 2
    assert known.mean() > 0.1


def test_export_of_derived_features_answers_as_the_run(prepared, tmp_path):
    config = Config.from_dict(
        {
            "data": {"prepared": str(prepared)},
            "model": {"embedding": {"dim": 2}, "interaction": {"kind": "fm"}},
            "train": {"epochs": 1, "batch_size": 128},
        }
    )
    run = train(config, tmp_path / "run")
    folder = export(run, tmp_path / "model")

    rows, served = table(200, seed=4), served_schema(run.encoder, reads_domain=False)
    loaded = tf.saved_model.load(str(folder))
    expected = Scorer.load(run.folder).score(rows)["click_probability"]
    examples = tf.constant(serialize_examples(rows, served))
    for answer in (
        loaded.signatures["serving_default"](**raw_tensors(rows, served)),
        loaded.signatures["serve_examples"](examples=examples),
    ):
        np.testing.assert_allclose(answer["click"][:, 0], expected, atol=1e-6)
    assert (
        Scorer.load(folder)
        .score(rows)["click_probability"]
        .equals(Scorer.load(tmp_path / "model").score(rows)["click_probability"])
    )
    assert expected.n_unique() > 100


def test_graph_gives_the_presence_of_values(tmp_path):
    features = [
        {"name": "tag y", "source": "tags", "separator": "|", "contains": "y"},
        {"name": "has 3", "source": "history", "contains": 3},
        {"name": "tag x in a", "source": "tags", "separator": "|", "contains": "x"}
        | {"where": {"column": "shop", "equals": "a"}},
    ]
    given = {"name": "s", "tasks": [{"name": "click"}]}
    given["features"] = [{"kind": "categorical"} | feature for feature in features]
    prepare(Schema.from_dict(given), table(), out=tmp_path / "out")
    encoder = Encoder.load(tmp_path / "out")
    served = served_schema(encoder, reads_domain=False)
    graph = RawGraph(encoder, tmp_path / "out")

    for rows in (sample_rows(encoder, 500), table(500, seed=2)):
        packed = graph(raw_tensors(rows, served))
        np.testing.assert_array_equal(packed["ids"], encoder.encode(rows).ids)
        assert (packed["ids"].numpy().max(axis=0) == 4).all()
