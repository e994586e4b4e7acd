import numpy as np
import polars as pl
import pytest

from ctrmoe.data.encode import Encoder
from ctrmoe.data.sources import Origin
from ctrmoe.data.weights import padded_weights
from ctrmoe.schema import Feature, Schema, SchemaError, Task

TAGS = Feature(name="tags", kind="categorical", max_length=3, weights="share", dtype="string")
NAN = float("nan")
NUMBERS = pl.List(pl.Float64)


def frame_of(tags, shares, dtype=NUMBERS):
    tags = pl.Series("tags", tags, dtype=pl.List(pl.String))
    return pl.DataFrame([tags, pl.Series("share", shares, dtype=dtype)])


def weights(tags, shares, **options):
    return padded_weights(frame_of(tags, shares, **options), TAGS, Origin("x.parquet", 10)).tolist()


def test_weights_stand_where_their_ids_do():
    tags = [["a", "b"], ["a", None, "", "b"], ["a", "b", "c", "d"], [], None, [None]]
    shares = [[0.5, 2.0], [1.0, 7.0, 8.0, 0.25], [1.0, 2.0, 3.0, 4.0], [], None, [9.0]]

    padded = weights(tags, shares)

    # Missing values go, then the first three stay; nothing left is the id "missing".
    assert padded == [[0.5, 2, 0], [1, 0.25, 0], [1, 2, 3], [1, 0, 0], [1, 0, 0], [1, 0, 0]]


def test_weights_left_out_are_one():
    padded = weights([["a", "b"], ["a", "b"], []], [None, [None, NAN], None])

    assert padded == [[1, 1, 0], [1, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("dtype", [pl.List(pl.Int8), pl.Array(pl.Float32, 2)])
def test_weights_come_in_several_types(dtype):
    assert weights([["a", "b"], ["c", "a"]], [[1, 2], [3, 0]], dtype=dtype) == [
        [1, 2, 0],
        [3, 0, 0],
    ]


def test_column_of_nulls_is_of_ones():
    frame = frame_of([["a"], ["a", "b"]], [None, None], dtype=pl.Null)

    assert padded_weights(frame, TAGS, Origin()).tolist() == [[1, 0, 0], [1, 1, 0]]


@pytest.mark.parametrize(
    ("tags", "shares", "message"),
    [
        (
            [["a"], ["a", "b"]],
            [[1.0], [1.0, 2.0, 3.0]],
            "`share` must have a weight for each value of feature `tags`. Received: 3 weights for "
            "2 values in x.parquet, row 12. Give as many, or null for weights of 1.",
        ),
        ([["a"]], [[]], "Received: 0 weights for 1 values in x.parquet, row 11"),
        ([None], [[1.0]], "Received: 1 weights for 0 values in x.parquet, row 11"),
        (
            [["a"], ["b"]],
            [None, [-0.5]],
            "`share` must hold finite numbers, none negative. Received: -0.5 in x.parquet, row 12",
        ),
        ([["a"]], [[float("inf")]], "finite numbers, none negative. Received: inf"),
    ],
)
def test_weights_that_do_not_fit_are_named_by_row(tags, shares, message):
    with pytest.raises(SchemaError, match=message):
        weights(tags, shares)


@pytest.mark.parametrize("column", [pl.Series("share", [1.0]), pl.Series("share", [["x"]])])
def test_weights_of_another_type(column):
    frame = frame_of([["a"]], [None]).with_columns(column)

    with pytest.raises(SchemaError, match="weights of feature `tags`, must be a column of lists"):
        padded_weights(frame, TAGS, Origin("x.parquet"))


def test_weights_are_packed_in_the_order_of_their_features():
    features = (
        TAGS,
        Feature(name="plain", kind="categorical", max_length=2),
        Feature(name="words", kind="categorical", max_length=2, weights="count"),
    )
    schema = Schema(name="t", tasks=(Task(name="click"),), features=features)
    frame = frame_of([["a"]], [[0.5]]).with_columns(
        plain=pl.lit(["p"]), words=pl.lit(["u", "v"]), count=pl.lit([3, 4])
    )
    encoder = Encoder.fit(schema, frame)

    packed = encoder.encode(frame)

    assert packed.weights.tolist() == [[0.5, 0, 0, 3, 4]]
    assert encoder.schema.input_widths["weights"] == (5, "float32")
    assert [field["weighted"] for field in encoder.fields()] == [True, False, True]


def test_missing_column_of_weights():
    schema = Schema(name="t", tasks=(Task(name="click"),), features=(TAGS,))

    with pytest.raises(SchemaError, match="Column `share` is missing in frame-0"):
        Encoder.fit(schema, pl.DataFrame({"tags": [["a"]]}))


def test_random_lists_against_a_slow_loop():
    random = np.random.default_rng(3)
    tags, shares, expected = [], [], []
    for _ in range(300):
        row = [random.choice([None, "", "a", "b"]) for _ in range(random.integers(6))]
        share = [float(w) for w in random.integers(0, 9, len(row))]
        given = random.random() < 0.8
        tags.append(row)
        shares.append(share if given else None)
        kept = [w if given else 1.0 for v, w in zip(row, share, strict=True) if v][:3]
        expected.append([*(kept or [1.0]), 0.0, 0.0, 0.0][:3])

    assert weights(tags, shares) == expected
