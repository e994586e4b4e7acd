"""Pre-trained and frozen tables, through training, resuming, export and scoring."""

import json

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.export import export
from ctrmoe.export.raw_tensors import raw_tensors
from ctrmoe.run import Run
from ctrmoe.schema import SchemaError
from ctrmoe.training import train

VECTORS = 20  # of the 30 items


@pytest.fixture(scope="module")
def vectors(prepared, tmp_path_factory):
    """Vectors of most items and of one that training does not know."""
    items = Encoder.load(prepared).vocabularies["item_id"].values[:VECTORS].to_list()
    numbers = np.random.default_rng(2).normal(size=(VECTORS + 1, 3))
    path = tmp_path_factory.mktemp("vectors") / "items.parquet"
    pl.DataFrame({"value": [*items, "unseen"], "vector": numbers.tolist()}).write_parquet(path)
    return path


def config(prepared, vectors, *, trainable, features=None, **train_options):
    own = {"item_id": {"pretrained": str(vectors), "trainable": trainable}, **(features or {})}
    embedding = {"dim": 4, "dims": {"item_id": 3}, "l2": 0.01, "features": own}
    options = {"epochs": 1, "batch_size": 250, "learning_rate": 0.01, **train_options}
    return Config.from_dict(
        {
            "data": {"prepared": str(prepared)},
            "model": {"embedding": embedding, "deep": {"units": [4]}},
            "train": options,
        }
    )


def table_of(model, name):
    tables = {table.name: table for table in model.get_layer("embedding").tables}
    return tables[name].table.numpy()


@pytest.mark.parametrize(
    "optimizer",
    [
        {"kind": "lazy_adam", "weight_decay": 0.1},
        {"kind": "adagrad"},
        {"kind": "ftrl", "l2_regularization_strength": 0.1},
        {"kind": "adam", "weight_decay": 0.1},
        {"kind": "sgd", "momentum": 0.9, "weight_decay": 0.1},
    ],
    ids=lambda optimizer: optimizer["kind"],
)
def test_frozen_table_stays_to_the_bit(prepared, vectors, tmp_path, optimizer):
    settings = config(prepared, vectors, trainable=False, optimizer=optimizer)
    start = tmp_path / "start"
    Encoder.load(prepared).save(start)
    (start / "config.json").write_text(json.dumps(settings.to_dict()))
    initial = table_of(Run(start).build_model(), "tables_3_frozen")

    model = train(settings, tmp_path / "run").model

    table = table_of(model, "tables_3_frozen")
    expected = pl.read_parquet(vectors)["vector"].to_list()[:VECTORS]
    np.testing.assert_array_equal(table[3 : 3 + VECTORS], np.array(expected, "float32"))
    # Ids without a vector: padding, missing, unknown and the other items.
    np.testing.assert_array_equal(np.delete(table, range(3, 3 + VECTORS), axis=0),
                                  np.delete(initial, range(3, 3 + VECTORS), axis=0))  # fmt: skip
    assert not any("frozen" in weight.path for weight in model.trainable_weights)


class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 5:
            raise KeyboardInterrupt


def test_trainable_table_moves_from_its_vectors_and_resumes_without_the_file(
    prepared, vectors, tmp_path
):
    copy = tmp_path / "items.parquet"
    copy.write_bytes(vectors.read_bytes())
    settings = config(prepared, copy, trainable=True, checkpoint_steps=2)
    whole = train(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path / "run", callbacks=[Stop()])
    copy.unlink()

    run = train(settings, tmp_path / "run", resume=True)

    for weight, expected in zip(run.model.weights, whole.model.weights, strict=True):
        np.testing.assert_array_equal(weight, expected)
    assert run.pretrained == {"item_id": {"values": 30, "with_vector": VECTORS}}
    expected = np.array(pl.read_parquet(vectors)["vector"].to_list()[:VECTORS])
    moved = np.abs(table_of(run.model, "tables_3")[3 : 3 + VECTORS] - expected).max(axis=1)
    assert (moved > 0).all() and moved.max() < 0.2


def test_file_that_does_not_fit_leaves_no_run(prepared, vectors, tmp_path):
    settings = Config.from_dict(
        config(prepared, vectors, trainable=True).to_dict()
        | {"model": {"embedding": {"features": {"item_id": {"pretrained": str(vectors)}}}}}
    )

    with pytest.raises(SchemaError, match="must have 16 numbers, the width .*dims.item_id"):
        train(settings, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_every_richer_field_at_once_through_the_export(prepared, vectors, test_rows, tmp_path):
    """The run folder and the export need neither the vectors' file nor the prepared data."""
    schema = Encoder.load(prepared).schema
    first, *others = (feature.name for feature in schema.values)
    copy = tmp_path / "items.parquet"
    copy.write_bytes(vectors.read_bytes())
    features = {
        "user_id": {"compose": "quotient_remainder", "buckets": 8},
        "history": {"combiner": "max"},
        first: {"numeric": {"kind": "piecewise_linear", "num_bins": 8}},
        **{name: {"numeric": {"kind": "autodis", "num_embeddings": 5}} for name in others},
    }
    run = train(config(prepared, copy, trainable=False, features=features), tmp_path / "run")
    copy.unlink()

    served = tf.saved_model.load(str(export(run, tmp_path / "model")))

    embedding = run.model.get_layer("embedding")
    names = {table.name for table in embedding.tables}
    assert names == {"tables_3_frozen", "tables_4", "tables_4_multiply"}
    answer = served.signatures["serving_default"](**raw_tensors(test_rows, run.schema))
    for task, logit in run.predictor(run.encoder.encode(test_rows)).items():
        np.testing.assert_allclose(answer[task][:, 0], 1 / (1 + np.exp(-logit)), atol=1e-5)
        assert np.std(logit) > 1e-3
