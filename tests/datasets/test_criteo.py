import gzip
import runpy
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.model_selection import StratifiedKFold

from ctrmoe.schema import Schema

FOLDER = Path(__file__).parents[2] / "datasets" / "criteo"
ROWS = 1000


def lines():
    rng = np.random.default_rng(0)
    for row in range(ROWS):
        numbers = ["" if rng.random() < 0.3 else str(rng.integers(-2, 99)) for _ in range(13)]
        codes = ["" if rng.random() < 0.2 else f"{rng.integers(2**32):08x}" for _ in range(26)]
        yield "\t".join([str(int(row % 4 == 0)), *numbers, *codes])


@pytest.mark.parametrize("zipped", [False, True])
def test_prepare_keeps_every_value_and_the_published_folds(tmp_path, zipped):
    original = list(lines())
    path = tmp_path / ("train.txt.gz" if zipped else "train.txt")
    opener = gzip.open if zipped else open
    with opener(path, "wt") as file:
        file.write("\n".join(original) + "\n")

    runpy.run_path(str(FOLDER / "prepare.py"))["main"]([str(path), "--out", str(tmp_path / "out")])

    labels = np.array([int(line[0]) for line in original])
    splitter = StratifiedKFold(10, shuffle=True, random_state=2018)
    folds = [tested for _, tested in splitter.split(labels, labels)]
    expected = {
        "test": folds[0],
        "valid": folds[1],
        "train": np.sort(np.concatenate(folds[2:])),
    }
    for part, rows in expected.items():
        table = pl.read_parquet(tmp_path / "out" / f"{part}.parquet")
        text = table.select(pl.concat_str(pl.all().cast(pl.String).fill_null(""), separator="\t"))
        assert text.to_series().to_list() == [original[row] for row in rows]


def test_schema_names_the_columns_of_the_original_file():
    schema = Schema.load(FOLDER / "schema.toml")
    recipe = runpy.run_path(str(FOLDER / "prepare.py"))

    assert list(schema.columns) == list(recipe["SCHEMA"])
    assert [f.name for f in schema.features] == list(schema.columns)[1:]
