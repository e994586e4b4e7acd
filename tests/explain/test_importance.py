import dataclasses

import numpy as np
import polars as pl
import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.data.encode import Encoder
from ctrmoe.data.prepare import prepare
from ctrmoe.explain import permutation_importance, read_sample
from ctrmoe.explain.importance import permute
from ctrmoe.metrics import auc, logloss
from ctrmoe.schema import Feature, Schema, SchemaError, Task
from ctrmoe.training import train

FIGURES = ["auc_drop", "auc_drop_low", "auc_drop_high", "logloss_rise", "logloss_rise_low"]


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A trained run whose label depends on `signal` alone, and rows that it never saw."""
    random = np.random.default_rng(6)
    rows = 6_000
    signal, noise, constant = random.integers(0, 4, rows), random.integers(0, 40, rows), 1
    frame = pl.DataFrame({"signal": signal, "noise": noise}).with_columns(
        constant=pl.lit(constant), label=(random.random(rows) < 0.1 + 0.25 * signal).astype("int8")
    )
    features = tuple(Feature(name=n, kind="categorical") for n in ("noise", "signal", "constant"))
    schema = Schema(name="planted", tasks=(Task(name="label"),), features=features)
    folder = tmp_path_factory.mktemp("planted")
    prepare(schema, frame[:3_500], valid=frame[3_500:4_000], out=folder / "prepared")
    config = {
        "data": {"prepared": str(folder / "prepared")},
        "model": {"wide": True},
        "train": {"epochs": 4, "batch_size": 100, "learning_rate": 0.05},
    }
    run = train(Config.from_dict(config), folder / "run")
    return run, read_sample(run, frame[4_000:])


def test_planted_effects_are_found(planted):
    table = permutation_importance(*planted, repeats=4, seed=1)

    assert table["feature"].to_list()[0] == "signal"
    rows = {row["feature"]: row for row in table.iter_rows(named=True)}
    signal, noise = rows["signal"], rows["noise"]
    # 0.1, 0.35, 0.6, 0.85: the best AUC is 0.79, without the signal it is 0.5.
    assert 0.2 < signal["auc_drop_low"] < signal["auc_drop_high"] < 0.4
    assert signal["logloss_rise_low"] > 0.1
    assert noise["auc_drop_low"] < 0 < noise["auc_drop_high"] < 0.02
    assert noise["logloss_rise_low"] < 0 < noise["logloss_rise_high"] < 0.02
    assert all(rows["constant"][name] == 0 for name in FIGURES)


def test_figures_are_those_of_the_model_on_the_permuted_rows(planted):
    run, sample = planted
    table = permutation_importance(run, sample, repeats=2, seed=3, features=["signal"])

    row = table.row(0, named=True)
    labels, own = sample.labels["label"], run.predictor(sample.encoded)["label"]
    drops, rises = [], []
    for repeat in range(2):
        order = np.random.default_rng([3, 1, repeat]).permutation(len(sample))
        encoded = permute(run.schema, sample.encoded, "signal", order)
        logits = run.predictor(encoded)["label"]
        drops.append(auc(labels, own) - auc(labels, logits))
        rises.append(logloss(labels, logits) - logloss(labels, own))
    assert table.height == 1
    assert row["auc"] == pytest.approx(auc(labels, own))
    assert row["auc_drop"] == pytest.approx(np.mean(drops))
    assert row["logloss_rise"] == pytest.approx(np.mean(rises), rel=1e-5)
    assert (row["rows"], row["positives"]) == (len(labels), labels.sum())


def test_the_seed_decides_whatever_else_is_permuted(planted):
    run, sample = planted
    every, again = (permutation_importance(run, sample, repeats=1, seed=9) for _ in range(2))

    alone = permutation_importance(run, sample, repeats=1, seed=9, features=["noise"])
    other = permutation_importance(run, sample, repeats=1, seed=8, features=["noise"])

    assert every.equals(again)
    assert alone.equals(every.filter(feature="noise"))
    assert not alone.equals(other)


@pytest.mark.parametrize("name", ["item_id", "number_1", "tags", "history", "placement"])
def test_permute_moves_one_raw_column_only(make_run, sample, test_rows, name):
    run = make_run("fm")
    chosen = test_rows[:50]
    order = np.random.default_rng(1).permutation(50)

    found = permute(run.schema, run.encoder.encode(chosen), name, order)

    expected = run.encoder.encode(chosen.with_columns(chosen[name][order]))
    for matrix in ("ids", "sequences", "values", "domain"):
        np.testing.assert_array_equal(getattr(found, matrix), getattr(expected, matrix))
    unchanged = run.encoder.encode(chosen)
    changed = [
        matrix
        for matrix in ("ids", "sequences", "values", "domain")
        if not np.array_equal(getattr(found, matrix), getattr(unchanged, matrix), equal_nan=True)
    ]
    places = {"item_id": ["ids"], "number_1": ["values"], "placement": ["ids", "domain"]}
    assert changed == places.get(name, ["sequences"])


def test_permute_moves_a_list_with_its_weights():
    tags = Feature(name="tags", kind="categorical", max_length=2, weights="shares")
    other = Feature(name="other", kind="categorical", max_length=2, weights="counts")
    schema = Schema(name="weighted", tasks=(Task(name="label"),), features=(other, tags))
    frame = pl.DataFrame(
        {
            "tags": [["a"], ["b", "c"], [], ["c"]],
            "shares": [[0.5], [0.2, 0.8], [], [3.0]],
            "other": [["x"], ["y"], ["x"], ["y"]],
            "counts": [[1.0], [2.0], [3.0], [4.0]],
        }
    )
    encoder, order = Encoder.fit(schema, frame), np.array([2, 0, 3, 1])

    found = permute(encoder.schema, encoder.encode(frame), "tags", order)

    expected = encoder.encode(frame.with_columns(frame["tags"][order], frame["shares"][order]))
    np.testing.assert_array_equal(found.sequences, expected.sequences)
    np.testing.assert_array_equal(found.weights, expected.weights)


def test_rows_without_a_label_do_not_count_for_its_task(make_run, test_rows):
    run = make_run("fm")
    some = pl.when(pl.int_range(pl.len()) < 200).then(pl.col("conversion"))
    sample = read_sample(run, test_rows.with_columns(conversion=some))

    table = permutation_importance(run, sample, repeats=1, features=["item_id"])

    rows = dict(table.select("task", "rows").iter_rows())
    assert rows == {"click": test_rows.height, "conversion": 200}
    assert table["task"].to_list() == ["click", "conversion"]


def test_one_class_gives_no_auc(make_run, test_rows):
    run = make_run("fm")
    sample = read_sample(run, test_rows.filter(click=1))

    table = permutation_importance(run, sample, repeats=1, features=["item_id"])

    row = table.filter(task="click").row(0, named=True)
    assert row["auc"] is row["auc_drop"] is row["auc_drop_low"] is None
    assert row["logloss_rise_low"] < row["logloss_rise"] < row["logloss_rise_high"]


def test_progress_counts_the_rows_predicted(make_run, sample):
    seen = []
    permutation_importance(
        make_run("fm"), sample, repeats=2, features=["tags", "item_id"],
        progress=lambda *step: seen.append(step),
    )  # fmt: skip

    total = 4 * len(sample)
    assert seen == [("importance", total * i // 4, total) for i in range(1, 5)]


def test_an_unknown_feature(make_run, sample):
    with pytest.raises(SchemaError, match="Received: 'tag'. Did you mean `tags`?"):
        permutation_importance(make_run("fm"), sample, features=["tag"])


def test_a_sample_without_labels(make_run, sample):
    unlabelled = dataclasses.replace(sample, labels={})

    with pytest.raises(SchemaError, match="The sample must have labels. Received: none"):
        permutation_importance(make_run("fm"), unlabelled)


def test_no_repeats(make_run, sample):
    with pytest.raises(ConfigError, match="`repeats` must be at least 1. Received: repeats=0"):
        permutation_importance(make_run("fm"), sample, repeats=0)


def test_a_single_row(make_run, sample):
    with pytest.raises(SchemaError, match="at least 2 rows to permute. Received: 1"):
        permutation_importance(make_run("fm"), sample.take([0]))
