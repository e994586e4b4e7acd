import numpy as np
import polars as pl
import pytest

from ctrmoe.data.encode import Encoder
from ctrmoe.data.pretrained import read_vectors
from ctrmoe.schema import Feature, Schema, SchemaError, Task


@pytest.fixture(scope="module")
def encoder():
    schema = Schema(
        name="t",
        tasks=(Task(name="click"),),
        features=(
            Feature(name="item", kind="categorical", oov_buckets=2),
            Feature(name="year", kind="categorical"),
            Feature(name="hashed", kind="categorical", hash_buckets=4),
            Feature(name="seen", kind="sequence", max_length=2, vocabulary="item"),
            Feature(name="price", kind="numeric"),
        ),
    )
    rows = {"item": ["a", "b", "b"], "year": [7, 8, 8], "hashed": ["x"] * 3}
    rows |= {"seen": [["c"]] * 3, "price": [1.0, 2.0, 3.0]}
    return Encoder.fit(schema, pl.DataFrame(rows))


@pytest.fixture
def write(tmp_path):
    """Returns a function that writes a file of values and vectors."""

    def to(values, vectors, dtype=None):
        path = tmp_path / "vectors.parquet"
        pl.DataFrame({"value": values, "vector": pl.Series(vectors, dtype=dtype)}).write_parquet(
            path
        )
        return path

    return to


def test_values_of_the_vocabulary_have_their_ids(encoder, write):
    path = write(["b", "unseen", "a", "", None], [[1.0, 2.0], [3, 4], [5, 6], [7, 8], [9, 10]])

    ids, vectors = read_vectors(path, encoder, "item", 2)

    known = encoder.vocabularies["item"].ids(pl.Series(["b", "a"]))
    np.testing.assert_array_equal(ids, known)
    np.testing.assert_array_equal(vectors, [[1.0, 2.0], [5.0, 6.0]])
    assert vectors.dtype == np.float32


@pytest.mark.parametrize("values", [[8, 7], ["8", "7"], [8.0, 7.0]])
def test_whole_numbers_however_they_are_written(encoder, write, values):
    ids, vectors = read_vectors(write(values, [[1.0], [2.0]]), encoder, "year", 1)

    np.testing.assert_array_equal(ids, encoder.vocabularies["year"].ids(pl.Series([8, 7])))
    np.testing.assert_array_equal(vectors, [[1.0], [2.0]])


def test_arrays_of_fixed_width(encoder, write):
    path = write(["a"], [[1.0, 2.0]], dtype=pl.Array(pl.Float64, 2))

    np.testing.assert_array_equal(read_vectors(path, encoder, "item", 2)[1], [[1.0, 2.0]])


def test_no_value_of_the_vocabulary(encoder, write):
    ids, vectors = read_vectors(write(["z"], [[1.0, 2.0]]), encoder, "item", 2)

    assert ids.shape == (0,) and vectors.shape == (0, 2)


@pytest.mark.parametrize(
    ("name", "values", "vectors", "message"),
    [
        ("hashed", ["a"], [[1.0]], "must have a vocabulary of its own .* hash_buckets=4"),
        ("seen", ["a"], [[1.0]], "Feature `seen` must have a vocabulary of its own"),
        ("price", ["a"], [[1.0]], "Received: kind='numeric'"),
        (
            "item",
            ["a", "b", "a"],
            [[1.0], [2.0], [3.0]],
            "`value` must name a value of `item` once. Received: 'a' 2 times in .*vectors.parquet",
        ),
        (
            "item",
            ["a", "b"],
            [[1.0], [2.0, 3.0]],
            "`vector` must have 1 numbers, the width of the table of `item`. Received: 2 in "
            ".*vectors.parquet, row 2. Set `model.embedding.dims.item`",
        ),
        ("item", ["a"], [None], "`vector` must be a list of numbers. Received: Null"),
        ("item", ["a", "b"], [[1.0], None], "Received: 0 in .*vectors.parquet, row 2"),
        (
            "item",
            ["b", "a"],
            [[1.0], [float("nan")]],
            r"`vector` must be finite numbers. Received: \[nan\] in .*row 2",
        ),
        ("item", ["a"], [[None]], "`vector` must be a list of numbers. Received: List"),
        ("item", ["a"], [["x"]], "`vector` must be a list of numbers. Received: List"),
        ("item", ["a"], [1.0], "`vector` must be a list of numbers. Received: Float64"),
    ],
)
def test_file_that_does_not_fit(encoder, write, name, values, vectors, message):
    with pytest.raises(SchemaError, match=message):
        read_vectors(write(values, vectors), encoder, name, 1)


def test_file_without_the_columns(encoder, tmp_path):
    pl.DataFrame({"value": ["a"], "vectors": [[1.0]]}).write_parquet(tmp_path / "a.parquet")

    with pytest.raises(SchemaError, match="Column `vector` is missing in .*Did you mean `vectors`"):
        read_vectors(tmp_path / "a.parquet", encoder, "item", 1)
