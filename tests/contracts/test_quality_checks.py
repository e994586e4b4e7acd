"""Every check finds the fault that is planted for it, and nothing is found in clean tables."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.quality import CHECKS, check
from ctrmoe.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "domain": "placement",
        "timestamp": "time",
        "tasks": [{"name": "click"}],
        "features": [
            {"name": "user", "kind": "categorical"},
            {"name": "item", "kind": "categorical"},
            {"name": "device", "kind": "categorical"},
            {"name": "price", "kind": "numeric"},
            {"name": "age", "kind": "numeric"},
            {"name": "tags", "kind": "categorical", "max_length": 3},
        ],
    }
)
TRAIN_DAYS, TEST_DAYS, ROWS_A_DAY = 20, 5, 300


def log(days, seed, start=0):
    """A log without a fault: what follows chance, follows it; users come back."""
    random = np.random.default_rng(seed)
    rows = days * ROWS_A_DAY
    device = random.choice(["phone", "desktop", "tv"], rows, p=[0.6, 0.3, 0.1])
    seconds = np.sort(random.uniform(start, start + days * 86_400, rows))
    price = np.where(random.random(rows) < 0.05, np.nan, random.lognormal(3, 1, rows))
    rate = np.where(device == "phone", 0.3, 0.15)
    return pl.DataFrame(
        {
            "time": pl.Series([datetime(2024, 3, 1) + timedelta(seconds=s) for s in seconds]),
            "placement": random.choice(["top", "side"], rows),
            "user": np.minimum(random.zipf(1.4, rows), 300),
            "item": [f"i{i}" for i in random.integers(0, 80, rows)],
            "device": device,
            "price": pl.Series(price).fill_nan(None).round(2),
            "age": random.integers(18, 80, rows),
            "tags": [
                [f"t{i}" for i in random.integers(0, 9, n)] for n in random.integers(0, 4, rows)
            ],
            "click": (random.random(rows) < rate).astype(int),
        }
    )


TRAIN = log(TRAIN_DAYS, seed=1)
TEST = log(TEST_DAYS, seed=2, start=TRAIN_DAYS * 86_400)
HALVES = [TRAIN.filter(pl.col("user") % 2 == half) for half in (0, 1)]
random = np.random.default_rng(3)
NOISE = pl.Series(random.random(TRAIN.height))
TEST_NOISE = pl.Series(random.random(TEST.height))
DAY = pl.col("time").dt.ordinal_day() - TRAIN["time"].dt.ordinal_day().min()
LATER = pl.col("time").dt.offset_by("1y")


def null_where(name, rows):
    return pl.when(~rows).then(pl.col(name)).alias(name)


@dataclass(frozen=True)
class Fault:
    """A fault, the check that must find it, and in which column."""

    check: str
    column: str
    data: Callable | None = None
    against: Callable | None = None


def train(column, name=None):
    return lambda: TRAIN.with_columns(column if name is None else column.alias(name))


def test(column):
    return lambda: TEST.with_columns(column)


test.__test__ = False
click = pl.col("click")
FAULTS = {
    "copied label": Fault("leakage", "age", train(click, "age")),
    "inverted label": Fault("leakage", "age", train(1 - click, "age")),
    "label as a category": Fault(
        "leakage",
        "item",
        train(pl.when(click == 1).then(pl.lit("b")).otherwise(pl.lit("a")), "item"),
    ),
    "noisy copy of the label": Fault("leakage", "price", train(click + NOISE * 1.1, "price")),
    "label between two thresholds": Fault(
        "leakage",
        "price",
        train((0.4 + 0.2 * NOISE) * click + (1 - click) * (NOISE > 0.5), "price"),
    ),
    "missing where the label is 0": Fault(
        "leakage", "price", train(null_where("price", click == 0))
    ),
    "shifted numbers": Fault("psi", "price", None, test(pl.col("price") * 3)),
    "shifted categories": Fault(
        "jensen_shannon",
        "device",
        None,
        test(pl.when(TEST_NOISE < 0.9).then(pl.lit("tv")).otherwise("device").alias("device")),
    ),
    "swapped split": Fault("time_order", "time", lambda: TEST, lambda: TRAIN),
    "cut-off file": Fault("file_rows", "", lambda: [*HALVES, HALVES[0][:50]]),
    "empty file": Fault("file_rows", "", lambda: [TRAIN, TRAIN[:0]]),
    "constant": Fault("constant", "device", train(pl.lit("phone"), "device")),
    "duplicated column": Fault("duplicate_columns", "age", train(pl.col("age"), "price")),
    "duplicated rows": Fault("duplicate_rows", "", lambda: pl.concat([TRAIN, TRAIN[1000:1600]])),
    "empty column": Fault("missing", "price", train(pl.lit(None, pl.Float64), "price")),
    "nulls in the other table": Fault(
        "missing_change", "item", None, test(null_where("item", TEST_NOISE < 0.3))
    ),
    "nulls in one file": Fault(
        "missing_change",
        "item",
        lambda: [HALVES[0], HALVES[1].with_columns(null_where("item", pl.col("age") < 40))],
    ),
    "new category": Fault(
        "new_categories",
        "device",
        None,
        test(pl.when(TEST_NOISE < 0.2).then(pl.lit("car")).otherwise("device").alias("device")),
    ),
    "new tags": Fault(
        "new_categories", "tags", None, test(pl.lit([["x"]]).list.first().alias("tags"))
    ),
    "future timestamps": Fault(
        "timestamp_outliers",
        "time",
        train(pl.when(NOISE < 1e-3).then(LATER).otherwise("time"), "time"),
    ),
    "timestamps of zero": Fault(
        "timestamp_outliers",
        "time",
        train(pl.when(NOISE < 1e-3).then(datetime(1970, 1, 1)).otherwise("time"), "time"),
    ),
    "lost days": Fault("time_gap", "time", lambda: TRAIN.filter(~DAY.is_between(5, 6))),
    "a day of many labels": Fault(
        "label_rate", "click", train(pl.when(DAY == 7).then(NOISE < 0.6).otherwise(click), "click")
    ),
    "other label rate": Fault(
        "label_rate", "click", None, test((TEST_NOISE < 0.6).cast(pl.Int64).alias("click"))
    ),
    "label of 2": Fault(
        "labels", "click", train(pl.when(NOISE < 1e-3).then(2).otherwise(click), "click")
    ),
    "labels all null": Fault("labels", "click", train(pl.lit(None, pl.Int64), "click")),
    "one class": Fault("labels", "click", train(pl.lit(0), "click")),
    "unlabelled rows": Fault("labels", "click", train(null_where("click", NOISE < 0.01))),
    "overlap": Fault("overlap", "", None, lambda: pl.concat([TEST, TRAIN[5000:5200]])),
    "unique id": Fault("unique", "user", train(pl.int_range(pl.len()), "user")),
    "rare values": Fault("rare", "user", train(pl.int_range(pl.len()) // 2, "user")),
    "text instead of numbers": Fault(
        "types", "age", lambda: [HALVES[0], HALVES[1].with_columns(pl.col("age").cast(pl.String))]
    ),
    "other type in the other table": Fault("types", "user", None, test(pl.col("user").cast(str))),
    "list where the schema has one value": Fault(
        "types", "item", train(pl.concat_list("item"), "item")
    ),
    "one value where the schema has lists": Fault("types", "tags", train(pl.col("item"), "tags")),
    "dates instead of numbers": Fault("types", "age", train(pl.col("time"), "age")),
    "durations instead of categories": Fault(
        "types", "user", train(pl.duration(hours="user"), "user")
    ),
    "fractions where categories should be": Fault(
        "categories", "user", train(pl.col("user") + 0.5 * (pl.int_range(pl.len()) == 7), "user")
    ),
    "bytes that are no text": Fault(
        "categories",
        "item",
        None,
        test((pl.lit(b"\xff") + pl.col("item").cast(pl.Binary)).alias("item")),
    ),
    "nested column": Fault("types", "item", train(pl.struct("item", "age"), "item")),
    "missing column": Fault("columns", "item", None, lambda: TEST.drop("item")),
    "missing column in one file": Fault(
        "columns", "age", lambda: [HALVES[0], HALVES[1].drop("age")]
    ),
}


def found(fault):
    data = fault.data() if fault.data else TRAIN
    against = fault.against() if fault.against else ()
    return check(data, SCHEMA, against=against)


def test_key_is_the_name_of_the_file():
    for key, find in CHECKS.items():
        assert find.__module__ == f"ctrmoe.ranking.quality.checks.{key}"


def test_every_file_is_a_check_with_a_fault(repository):
    files = (repository / "ctrmoe/ranking/quality/checks").glob("[a-z]*.py")

    assert {file.stem for file in files} == set(CHECKS) == {f.check for f in FAULTS.values()}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(name):
    fault = FAULTS[name]

    report = found(fault)

    findings = [f for f in report.findings if f.check == fault.check and f.severity != "note"]
    assert fault.column in [finding.column for finding in findings], report.findings
    assert not report.passed
    for finding in findings:
        assert "Received: " in finding.message or fault.check == "columns"
        assert finding.message.endswith(".")
        assert finding.limit is None or finding.value is None or finding.value > finding.limit


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param((TRAIN, ()), id="alone"),
        pytest.param((TRAIN, TEST), id="later part"),
        pytest.param((HALVES, TEST), id="several files"),
        pytest.param((TRAIN[::2], TRAIN[1::2]), id="random split"),
        pytest.param((TRAIN[:30], TRAIN[30:60]), id="few rows"),
        pytest.param((TRAIN, TEST.drop("click")), id="no labels to compare"),
    ],
)
def test_clean_tables_pass(tables):
    report = check(tables[0], SCHEMA, against=tables[1])

    assert [f for f in report.findings if f.severity != "note"] == []
    assert report.passed
