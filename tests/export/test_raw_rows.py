"""Columns of one row beside columns of many, for features of one column and of several."""

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.data.encode import Encoder
from ctrmoe.data.prepare import prepare
from ctrmoe.export.raw_graph import RawGraph
from ctrmoe.export.raw_tensors import raw_tensors
from ctrmoe.export.samples import sample_rows
from ctrmoe.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "name": "mixed",
        "domain": "place",
        "tasks": [{"name": "click"}],
        "features": [
            {"name": "user", "kind": "categorical"},
            {"name": "item", "kind": "categorical"},
            {"name": "both", "kind": "categorical", "cross": ["user", "item"]},
            {
                "name": "user_of_a",
                "kind": "categorical",
                "source": "user",
                "where": {"column": "item", "equals": "a"},
            },
            {"name": "tags", "kind": "categorical", "max_length": 3, "weights": "shares"},
            {"name": "seen", "kind": "sequence", "max_length": 4, "vocabulary": "item"},
            {"name": "price", "kind": "numeric", "transform": "standard"},
        ],
    }
)


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    random = np.random.default_rng(0)
    words = np.array(["a", "b", "c", ""])
    rows = 200
    frame = pl.DataFrame(
        {name: words[random.integers(4, size=rows)] for name in ("user", "item", "place")}
        | {name: [list(words[random.integers(3, size=3)])] * rows for name in ("tags", "seen")}
        | {"shares": [[0.5, 1.0, 2.0]] * rows, "price": random.normal(size=rows)}
        | {"click": random.integers(0, 2, rows)}
    )
    folder = tmp_path_factory.mktemp("mixed") / "prepared"
    prepare(SCHEMA, frame, out=folder)
    encoder = Encoder.load(folder)
    return encoder, RawGraph(encoder, folder, reads_domain=True)


@pytest.mark.parametrize(
    "own", [["item", "price"], ["user", "shares"], ["tags"], ["place", "seen"]]
)
def test_columns_in_common_are_encoded_as_if_each_row_had_them(graph, own):
    encoder, encode = graph
    rows = sample_rows(encoder, 30)
    columns = raw_tensors(rows, encode.served)
    shared = {name: column[3:4] for name, column in columns.items() if name not in own}
    repeated = {name: tf.repeat(column, 30, axis=0) for name, column in shared.items()}

    packed = encode({name: columns[name] for name in own}, shared)

    expected = encode(columns | repeated)
    assert set(packed) == {"ids", "sequences", "values", "weights", "domain"} == set(expected)
    for name, matrix in expected.items():
        np.testing.assert_array_equal(packed[name], matrix)
