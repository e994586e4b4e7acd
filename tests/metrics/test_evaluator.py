"""Streaming figures against the whole, and every undefined case."""

import datetime
import json
import multiprocessing
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from ctrmoe.metrics import (
    Evaluator,
    auc,
    auc_interval,
    expected_calibration_error,
    gauc,
    logloss,
    normalized_entropy,
    pcoc,
)

TASKS = ("click", "conversion")
FIGURES = ["auc", "gauc", "logloss", "ne", "ece", "pcoc", "positives"]
UNDEFINED = dict.fromkeys(FIGURES[:-1]) | {"positives": 0}


def _batch(seed, rows):
    rng = np.random.default_rng(seed)
    logits = {task: rng.normal(-1.0, 1.0, rows).round(2).astype(np.float32) for task in TASKS}
    labels = {task: rng.random(rows) < 1 / (1 + np.exp(-logits[task])) for task in TASKS}
    domains = np.array(["app", "web", "tv", None], dtype=object)[rng.integers(0, 4, rows)]
    return labels, logits, domains, rng.integers(0, 20, rows)


def _take(batch, rows):
    labels, logits, domains, groups = batch
    return (
        {task: column[rows] for task, column in labels.items()},
        {task: column[rows] for task, column in logits.items()},
        domains[rows],
        groups[rows],
    )


def _evaluate(*batches):
    evaluator = Evaluator(TASKS)
    for batch in batches:
        evaluator.update(*batch)
    return evaluator


def test_result_holds_the_figures_of_each_task_and_domain():
    labels, logits, domains, groups = batch = _batch(1, 2_000)

    result = _evaluate(batch).result()

    assert list(result) == ["rows", "tasks", "domains"]
    assert result["rows"] == 2_000
    assert set(result["domains"]) == {"app", "web", "tv", "missing"}
    parts = {name: domains == (None if name == "missing" else name) for name in result["domains"]}
    whole = {None: np.full(2_000, True)}
    for name, rows in (whole | parts).items():
        found = result["tasks"] if name is None else result["domains"][name]
        for task in TASKS:
            y, z = labels[task][rows], logits[task][rows]
            assert found[task] == {
                "auc": auc(y, z),
                "gauc": gauc(y, z, groups[rows]).value,
                "logloss": logloss(y, z),
                "ne": normalized_entropy(y, z),
                "ece": expected_calibration_error(y, z),
                "pcoc": pcoc(y, z),
                "positives": y.sum(),
            }
            assert list(found[task]) == FIGURES


def test_rows_without_a_label_do_not_count_for_the_task():
    labels, logits, domains, groups = _batch(4, 1_000)
    given = np.arange(1_000) % 3 > 0
    partly = {**labels, "click": np.where(given, labels["click"], -1)}

    whole, part = (
        _evaluate((partly, logits, domains, groups)),
        _take((labels, logits, domains, groups), given),
    )

    expected = _evaluate(part).result()
    assert whole.result()["tasks"]["click"] == expected["tasks"]["click"]
    assert whole.result()["domains"]["app"]["click"] == expected["domains"]["app"]["click"]
    others = _evaluate((labels, logits, domains, groups)).result()["tasks"]
    assert whole.result()["rows"] == 1_000
    assert {t: f for t, f in whole.result()["tasks"].items() if t != "click"} == {
        t: f for t, f in others.items() if t != "click"
    }
    assert whole.report().filter(pl.col("task") == "click")["rows"][0] == given.sum()


def test_result_agrees_with_scikit_learn():
    labels, logits, *_ = batch = _batch(2, 5_000)

    found = _evaluate(batch).result()["tasks"]["click"]

    y, z = labels["click"], logits["click"]
    assert found["auc"] == pytest.approx(roc_auc_score(y, z), abs=1e-12)
    assert found["logloss"] == pytest.approx(log_loss(y, 1 / (1 + np.exp(-z))), abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=8), st.integers(0, 2**32 - 1))
def test_result_of_any_split_equals_the_whole(cuts, seed):
    batch = _batch(seed, 300)
    edges = [0, *sorted(cuts), 300]

    parts = [_take(batch, slice(a, b)) for a, b in zip(edges, edges[1:], strict=False)]

    assert _evaluate(*parts).result() == _evaluate(batch).result()


def test_result_of_single_rows_equals_the_whole():
    batch = _batch(3, 600)

    one_by_one = _evaluate(*(_take(batch, slice(i, i + 1)) for i in range(600)))

    assert one_by_one.result() == _evaluate(batch).result()


def test_memory_is_a_few_bytes_a_row():
    batch = _batch(4, 100)

    evaluator = _evaluate(*[batch] * 1_000)

    # A task takes 4 bytes and a bit, domains and groups 4 bytes each and a bit for null.
    held = sum(frame.estimated_size() for frame in evaluator._frames())
    assert evaluator.result()["rows"] == 100_000
    assert held < 100_000 * 19


def test_merge_equals_updates_in_one_evaluator():
    first, second = _batch(5, 500), _batch(6, 300)
    left, right = _evaluate(first), _evaluate(second)

    left.merge(right)

    assert left.result() == _evaluate(first, second).result()
    assert right.result() == _evaluate(second).result()


def test_merge_into_an_empty_evaluator_equals_the_other():
    evaluator, other = Evaluator(TASKS), _evaluate(_batch(5, 50))

    evaluator.merge(other)
    other.merge(Evaluator(TASKS))

    assert evaluator.result() == other.result() == _evaluate(_batch(5, 50)).result()


def test_merge_with_itself_counts_rows_twice():
    evaluator = _evaluate(_batch(7, 100))

    evaluator.merge(evaluator)

    assert evaluator.result() == _evaluate(_batch(7, 100), _batch(7, 100)).result()


def _work(seed):
    # Other texts are seen first, so that this process numbers its domains otherwise.
    batch = _batch(seed, 400)
    _evaluate(_take(batch, slice(None, None, -1))).result()
    return pickle.dumps(_evaluate(batch))


@pytest.mark.slow
def test_merge_of_evaluators_from_other_processes_equals_one():
    evaluator = _evaluate(_batch(8, 400))

    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for part in pool.map(_work, [9, 10]):
            evaluator.merge(pickle.loads(part))

    whole = _evaluate(*(_batch(seed, 400) for seed in (8, 9, 10)))
    assert evaluator.result() == whole.result()


def test_result_is_strict_json():
    evaluator = _evaluate(_batch(11, 200))
    evaluator.update(
        *[{task: [0, 1] for task in TASKS}, {task: [np.inf, 0.0] for task in TASKS}],
        domains=["one", "one"],
        groups=[1, 1],
    )

    result = evaluator.result()

    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["domains"]["one"]["click"]["logloss"] is None


def test_domains_are_ordered_by_rows_then_name():
    evaluator = Evaluator(["click"])

    evaluator.update(
        {"click": [0] * 7}, {"click": np.zeros(7)}, domains=["b", "c", "a", "c", "b", "d", "c"]
    )

    assert list(evaluator.result()["domains"]) == ["c", "b", "a", "d"]


def test_a_domain_called_missing_is_kept_apart_from_rows_without_one():
    evaluator = Evaluator(["click"])

    evaluator.update({"click": [1, 0, 0]}, {"click": np.zeros(3)}, ["missing", None, "<missing>"])

    positives = {k: v["click"]["positives"] for k, v in evaluator.result()["domains"].items()}
    assert positives == {"missing": 1, "<missing>": 0, "<<missing>>": 0}


@pytest.mark.parametrize(
    ("domains", "names"),
    [
        (np.array([1, 2]), ["1", "2"]),
        (np.array([True, False]), ["false", "true"]),
        (np.array([1.0, np.nan]), ["1", "missing"]),
        (np.array([b"a", "ü".encode()], dtype=object), ["a", "ü"]),
        (np.array([b"a", b"b"]), ["a", "b"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([1, "a"], dtype=object), ["1", "a"]),
        ([None, None], ["missing"]),
        (["", None], ["", "missing"]),
        ([datetime.date(2024, 2, 29), None], ["2024-02-29", "missing"]),
        (pl.Series([1, None]), ["1", "missing"]),
        (pl.Series(["b", "a"]).cast(pl.Categorical), ["a", "b"]),
        (pa.array(["a", None]), ["a", "missing"]),
        (pa.chunked_array([["a"], ["b"]]), ["a", "b"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pd.Series([1, None]), ["1", "missing"]),
        (pd.Series(["a", None], dtype="category"), ["a", "missing"]),
        (pd.Series([1, None], dtype="Int64"), ["1", "missing"]),
    ],
    ids=lambda value: f"{type(value).__name__}-{getattr(value, 'dtype', '')}",
)
def test_domains_of_any_type_are_named_by_their_text(domains, names):
    evaluator = Evaluator(["click"])

    evaluator.update({"click": [0, 1]}, {"click": [0.0, 1.0]}, domains, groups=domains)

    assert sorted(evaluator.result()["domains"]) == sorted(names)


def test_integer_and_text_batches_of_one_domain_are_joined():
    evaluator = Evaluator(["click"])

    for domains in ([7, 8], ["7", "8"], [7.0, 8.5]):
        evaluator.update({"click": [0, 1]}, {"click": [0.0, 1.0]}, domains)

    assert list(evaluator.result()["domains"]) == ["7", "8", "8.5"]


def test_logits_in_double_precision_are_kept_in_single():
    labels, logits, domains, groups = _batch(12, 300)
    wide = {task: column.astype(np.float64) for task, column in logits.items()}

    assert (
        _evaluate((labels, wide, domains, groups)).result()
        == _evaluate((labels, logits, domains, groups)).result()
    )


def test_logits_beyond_single_precision_are_infinite():
    evaluator = Evaluator(["click"])

    evaluator.update({"click": [0, 1]}, {"click": np.array([-1e300, 1e300])})

    assert evaluator.result()["tasks"]["click"] == {
        "auc": 1.0,
        "gauc": None,
        "logloss": 0.0,
        "ne": 0.0,
        "ece": 0.0,
        "pcoc": 1.0,
        "positives": 1,
    }


def test_result_without_rows_is_undefined():
    evaluator = Evaluator(TASKS)

    expected = {"rows": 0, "tasks": dict.fromkeys(TASKS, UNDEFINED), "domains": {}}

    assert evaluator.result() == expected
    evaluator.update(*_take(_batch(1, 1), slice(0, 0)))
    assert evaluator.result() == expected


def test_result_of_one_class_has_only_the_figures_that_exist():
    evaluator = Evaluator(["click"])

    evaluator.update({"click": [0, 0]}, {"click": [0.0, 0.0]}, groups=["a", "b"])

    assert evaluator.result()["tasks"]["click"] == {
        "auc": None,
        "gauc": None,
        "logloss": pytest.approx(np.log(2)),
        "ne": None,
        "ece": 0.5,
        "pcoc": None,
        "positives": 0,
    }


def test_report_adds_rows_intervals_and_groups():
    labels, logits, domains, groups = batch = _batch(13, 1_000)
    evaluator = _evaluate(batch)

    report = evaluator.report(level=0.9)

    assert report.height == 2 * 5
    assert report["domain"].head(2).to_list() == [None, None]
    assert report["task"].head(2).to_list() == list(TASKS)
    assert report["domain"].unique(maintain_order=True).to_list()[1:] == list(
        evaluator.result()["domains"]
    )
    rows = domains == "tv"
    y, z = labels["click"][rows], logits["click"][rows]
    (found,) = report.filter(domain="tv", task="click").to_dicts()
    low, high = auc_interval(y, z, 0.9)
    grouped = gauc(y, z, groups[rows])
    assert found == {
        "domain": "tv",
        "task": "click",
        "rows": rows.sum(),
        "auc_low": low,
        "auc_high": high,
        "groups_used": grouped.num_used,
        "groups_ignored": grouped.num_ignored,
        **evaluator.result()["domains"]["tv"]["click"],
    }


def test_report_without_rows_or_domains_has_one_row_a_task():
    report = Evaluator(TASKS).report()

    assert report.select("task", "rows", "auc", "auc_low", "groups_used").rows() == [
        (task, 0, None, None, 0) for task in TASKS
    ]


@pytest.mark.parametrize("tasks", [[], (), "click", ["a", "b", "a"]])
def test_tasks_that_are_not_different_names_raise(tasks):
    with pytest.raises(ValueError, match="`tasks` must list one or more different names"):
        Evaluator(tasks)


GOOD = {"click": [0, 1], "conversion": [0, 0]}


@pytest.mark.parametrize(
    ("labels", "logits", "message"),
    [
        (
            GOOD,
            GOOD | {"click": [0.0, np.nan]},
            r"`logits\['click'\]` must not be NaN. Received: 1 NaN among 2, the first in row 1",
        ),
        (
            GOOD | {"conversion": [0, 2]},
            GOOD,
            r"`labels\['conversion'\]` must be 0 or 1. Received: 1 other values among 2",
        ),
        ({"click": [0, 1]}, GOOD, r"`labels` must hold task 'conversion'. Received: \['click'\]"),
        (GOOD, {"conversion": [0, 1]}, r"`logits` must hold task 'click'."),
        (GOOD, GOOD | {"click": [[0.0], [1.0]]}, r"`logits\['click'\]` must be one-dimensional"),
        (GOOD, GOOD | {"conversion": [0.0]}, r"len\(logits\['conversion'\]\)=1"),
    ],
    ids=["nan", "label", "labels", "logits", "matrix", "length"],
)
def test_a_bad_batch_raises_and_adds_nothing(labels, logits, message):
    evaluator = Evaluator(TASKS)

    with pytest.raises(ValueError, match=message):
        evaluator.update(labels, logits)

    assert evaluator.result()["rows"] == 0


@pytest.mark.parametrize(
    ("domains", "message"),
    [
        (np.zeros((2, 2)), r"`domains` must be one-dimensional .* ndarray, shape=\(2, 2\)"),
        (pl.Series([[1], [2]]), r"`domains` must be values with a text. Received: List\(Int64\)"),
        (np.array([b"\xff", b"a"]), r"`domains` must be values with a text. Received: Binary"),
    ],
)
def test_domains_without_a_text_raise(domains, message):
    with pytest.raises(TypeError, match=message):
        Evaluator(["click"]).update({"click": [0, 1]}, {"click": [0.0, 1.0]}, domains)


def test_domains_in_some_batches_only_raise():
    evaluator = Evaluator(["click"])
    evaluator.update({"click": [0, 1]}, {"click": [0.0, 1.0]}, domains=[1, 2])

    with pytest.raises(ValueError, match="`domains` and `groups` must be given in every batch"):
        evaluator.update({"click": [0, 1]}, {"click": [0.0, 1.0]})

    assert evaluator.result()["rows"] == 2


def test_merge_with_other_tasks_raises():
    with pytest.raises(ValueError, match=r"`other` must have the same tasks. Received: \('a',\)"):
        Evaluator(TASKS).merge(Evaluator(["a"]))


def test_merge_with_other_columns_raises():
    other = Evaluator(TASKS)
    other.update(GOOD, GOOD)

    with pytest.raises(ValueError, match="`domains` and `groups` must be given in every batch"):
        _evaluate(_batch(1, 10)).merge(other)
