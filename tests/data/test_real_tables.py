"""Preparation of tables that are not in the repository; the tests skip where they are absent."""

import gzip
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ctrmoe.data.encode import Encoder
from ctrmoe.data.encoded import read_encoded
from ctrmoe.data.prepare import prepare
from ctrmoe.schema import Feature, Schema, Task

COUNTS = [f"I{n}" for n in range(1, 14)]
CATEGORIES = [f"C{n}" for n in range(1, 27)]


@pytest.fixture(scope="module")
def tables(repository):
    folder = Path(os.environ.get("CTRMOE_TEST_DATA", repository / ".." / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the folder CTRMOE_TEST_DATA with the public data sets is absent")
    return folder


def test_criteo_rows_without_header(tables, tmp_path):
    path = tables / "criteo-10k" / "train.txt.gz"
    schema = Schema(
        name="criteo",
        tasks=(Task(name="click", column="label"),),
        features=(
            *[
                Feature(name=n, kind="numeric", transform="log_square", truncate=True)
                for n in COUNTS
            ],
            *[Feature(name=name, kind="categorical", min_count=10) for name in CATEGORIES],
        ),
        columns=("label", *COUNTS, *CATEGORIES),
    )

    summary = prepare(schema, path, out=tmp_path / "out")

    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    cells = [line.split("\t") for line in lines]
    assert summary.rows["train"] == len(lines)
    assert summary.positives["train"]["click"] == sum(row[0] == "1" for row in cells)
    encoder = Encoder.load(tmp_path / "out")
    chunks = list(read_encoded(tmp_path / "out" / "train", encoder.schema))
    values = np.concatenate([chunk.values for chunk, _ in chunks])
    missing = np.array([[cell == "" for cell in row[1:14]] for row in cells])
    np.testing.assert_array_equal(np.isnan(values), missing)
    upper = encoder.statistics["I5"].upper
    expected = [
        np.floor(np.log(min(float(row[5]), upper)) ** 2)
        if float(row[5] or 0) > 2
        else float(row[5])
        for row in cells
        if row[5]
    ]
    np.testing.assert_array_equal(values[~missing[:, 4], 4], expected)
    ids = np.concatenate([chunk.ids for chunk, _ in chunks])
    lines_of_c9 = encoder.vocabularies["C9"].values.to_list()
    for row, number in zip(cells[:500], ids[:500, 8], strict=True):
        text = row[22]
        expected = 1 if not text else 3 + lines_of_c9.index(text) if text in lines_of_c9 else 2
        assert number == expected


def test_movielens_genres_and_split_by_time(tables, tmp_path):
    ratings = pl.read_parquet(tables / "movielens-1m" / "ratings.parquet", n_rows=50_000)
    ratings = ratings.with_columns(like=pl.col("rating") > 3)
    schema = Schema(
        name="movielens",
        tasks=(Task(name="like"),),
        features=(
            Feature(name="user_id", kind="categorical"),
            Feature(name="item_id", kind="categorical"),
            Feature(name="genres", kind="categorical", max_length=6),
        ),
        timestamp="timestamp",
        domain="age",
    )

    summary = prepare(schema, ratings, split="time:0.8,0.2", out=tmp_path / "out")

    latest = ratings.sort("timestamp")["timestamp"][summary.rows["train"] - 1]
    assert summary.rows["train"] == ratings.filter(pl.col("timestamp") <= latest).height
    assert summary.rows["train"] == pytest.approx(40_000, abs=200)
    encoder = Encoder.load(tmp_path / "out")
    genres = ["", "", "", *encoder.vocabularies["genres"].values.to_list()]
    first, _ = next(iter(read_encoded(tmp_path / "out" / "train", encoder.schema)))
    training = ratings.filter(pl.col("timestamp") <= latest)
    for row, expected in zip(first.sequences, training["genres"].head(2000), strict=False):
        assert [genres[number] for number in row if number] == expected.to_list()[:6]
