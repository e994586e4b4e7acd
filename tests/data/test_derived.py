import itertools

import numpy as np
import polars as pl
import pytest

from ctrmoe.condition import Condition
from ctrmoe.data.derived import members, raw_type, raw_values
from ctrmoe.data.encode import Encoder, raw_columns
from ctrmoe.data.prepare import prepare
from ctrmoe.data.sources import UNNAMED
from ctrmoe.schema import Feature, Schema, SchemaError

ODD = ["", ":", ",", "1:", "1:a,", "a,1:b", "0:,", "12", "2", "1", "é", "日本", "\x1f", " ", "a\nb"]
CROSS = Feature(name="ab", kind="categorical", cross=("a", "b"))
DERIVED = (
    {"name": "shop", "kind": "categorical"},
    {"name": "item", "kind": "categorical"},
    {"name": "shop x item", "kind": "categorical", "cross": ["shop", "item"], "min_count": 2},
    {"name": "three", "kind": "categorical", "cross": ["item", "hour", "shop"], "hash_buckets": 40},
    {"name": "spread", "kind": "categorical", "cross": ["hour", "shop"], "oov_buckets": 3}
    | {"where": {"column": "item", "equals": "3"}},
    {"name": "price x shop", "kind": "categorical", "cross": ["price", "shop"]}
    | {"cross_edges": [[0.5, 1.0, 2.0], []]},
    {"name": "item in b", "kind": "categorical", "source": "item"}
    | {"where": {"column": "shop", "equals": "b"}},
    {"name": "tags", "kind": "categorical", "max_length": 3, "separator": "|"},
    {"name": "first tag", "kind": "categorical", "max_length": 1, "separator": "|"}
    | {"source": "tags", "where": {"column": "hour", "equals": 2}},
    {"name": "history in a", "kind": "sequence", "max_length": 2, "source": "history"}
    | {"where": {"column": "shop", "equals": "a"}, "vocabulary": "item"},
    {"name": "price in a", "kind": "numeric", "source": "price", "transform": "log"}
    | {"where": {"column": "shop", "equals": "a"}},
    {"name": "tag y", "kind": "categorical", "source": "tags", "separator": "|", "contains": "y"},
    {"name": "has 3", "kind": "categorical", "source": "history", "contains": 3}
    | {"where": {"column": "shop", "equals": "a"}},
    {"name": "price", "kind": "numeric"},
    {"name": "bucket", "kind": "numeric", "source": "price", "transform": "quantile"},
)


def schema(features=DERIVED, **options):
    return Schema.from_dict(
        {"name": "s", "tasks": [{"name": "click"}], "features": list(features)} | options
    )


def table(rows=500, seed=0):
    random = np.random.default_rng(seed)
    shops, items = [None, "", "a", "b", "ü:1,"], [None, 1, 2, 3, 23, -7]
    return pl.DataFrame(
        {
            "click": random.integers(0, 2, rows),
            "shop": [shops[i] for i in random.integers(5, size=rows)],
            "item": pl.Series([items[i] for i in random.integers(6, size=rows)], dtype=pl.Int64),
            "hour": random.integers(0, 4, rows).astype(np.float64),
            "tags": ["|".join(random.choice(["x", "y", ""], 2)) for _ in range(rows)],
            "history": [random.integers(0, 5, random.integers(4)).tolist() for _ in range(rows)],
            "price": random.lognormal(size=rows),
        }
    )


def written_out(frame):
    """The derived columns as columns of the table, by plain Python."""

    def joint(row, names):
        texts = ["" if row[n] is None else str(row[n]).removesuffix(".0") for n in names]
        return "".join(f"{len(t.encode())}:{t}," for t in texts) if any(texts) else None

    def in_range(row):
        return row | {"price": sum(row["price"] >= edge for edge in (0.5, 1.0, 2.0))}

    rows = frame.to_dicts()
    return frame.with_columns(
        pl.Series("shop x item", [joint(r, ["shop", "item"]) for r in rows]),
        pl.Series("three", [joint(r, ["item", "hour", "shop"]) for r in rows]),
        pl.Series("spread", [joint(r, ["hour", "shop"]) if r["item"] == 3 else None for r in rows]),
        pl.Series("price x shop", [joint(in_range(r), ["price", "shop"]) for r in rows]),
        pl.Series("item in b", [r["item"] if r["shop"] == "b" else None for r in rows]),
        pl.Series("first tag", [r["tags"] if r["hour"] == 2 else None for r in rows]),
        pl.Series("history in a", [r["history"] if r["shop"] == "a" else None for r in rows]),
        pl.Series("tag y", [str(int("y" in r["tags"].split("|"))) for r in rows]),
        pl.Series(
            "has 3", [str(int(3 in r["history"])) if r["shop"] == "a" else None for r in rows]
        ),
        pl.Series("price in a", [r["price"] if r["shop"] == "a" else None for r in rows]),
        pl.Series("bucket", [r["price"] for r in rows]),
    )


def plain(given):
    keys = ("cross", "cross_edges", "source", "where", "contains")
    kept = [{k: v for k, v in f.items() if k not in keys} for f in given]
    for feature, of in zip(kept, given, strict=True):
        if "contains" in of:
            feature.pop("separator", None)
    return schema(kept)


def test_prepared_ids_are_those_of_a_table_with_the_columns_written_out(tmp_path):
    derived = prepare(schema(), table(), valid=table(100, seed=1), out=tmp_path / "derived")
    prepare(plain(DERIVED), written_out(table()), out=tmp_path / "plain")

    one, other = Encoder.load(tmp_path / "derived"), Encoder.load(tmp_path / "plain")
    later = table(300, seed=2)
    arrays = one.arrays(later, UNNAMED)
    expected = other.arrays(written_out(later), UNNAMED)
    assert arrays.keys() == expected.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
        assert len(np.unique(array)) > (1 if name in ("tag y", "has 3") else 2)
    assert derived.vocabulary_sizes["spread"] == one.vocabulary_size("spread") > 5
    assert raw_columns(one.schema) == ["shop", "item", "hour", "price", "tags", "history"]


def test_presence_of_a_value_in_lists_of_any_form():
    def presence(values, contains, **options):
        feature = Feature(name="f", kind="categorical", source="l", contains=contains, **options)
        return raw_values(pl.DataFrame({"l": values}), feature, UNNAMED).to_list()

    assert presence([["a", "b", "a"], [], None, [None, ""], ["ab"]], "a") == list("10000")
    assert presence([[1, 12], [2.0], None], 1) == list("100")
    assert presence(["x|y", "y", "", None, "xx|"], "x", separator="|") == list("10000")
    assert presence(pl.Series([[0, 1], [2, 3]], dtype=pl.Array(pl.Int8, 2)), 3) == list("01")
    assert presence([None, None], "a") == list("00")


def test_value_of_a_list_is_brought_to_the_type_of_its_column(tmp_path):
    features = [{"name": "has 3", "kind": "categorical", "source": "history", "contains": "3"}]
    prepare(schema(features), table(), out=tmp_path / "out")

    encoder = Encoder.load(tmp_path / "out")
    assert encoder.schema["has 3"].contains == 3
    assert encoder.vocabularies["has 3"].values.sort().to_list() == ["0", "1"]


def test_types_of_members_and_conditions_are_those_of_their_columns(tmp_path):
    prepare(schema(), table(), out=tmp_path / "out")

    found = Encoder.load(tmp_path / "out").schema
    assert found["three"].cross_dtypes == ("integer", "integer", "string")
    assert found["price x shop"].cross_dtypes == ("", "string")
    assert (found["three"].dtype, found["item in b"].dtype) == ("string", "integer")
    assert found["spread"].where == Condition(column="item", equals=3)


def test_text_of_a_file_gives_the_ids_of_whole_numbers(tmp_path):
    prepare(schema(), table(), out=tmp_path / "out")
    encoder, rows = Encoder.load(tmp_path / "out"), table(200, seed=3)
    text = rows.with_columns(pl.col("item").cast(pl.String), pl.col("hour").cast(pl.Int8))
    padded = text.with_columns(pl.col("item").str.zfill(4), pl.col("hour").cast(pl.String))

    for name in ("shop x item", "three", "spread", "item in b"):
        expected = encoder.arrays(rows, UNNAMED)[name]
        for other in (text, padded):
            np.testing.assert_array_equal(encoder.arrays(other, UNNAMED)[name], expected)


def test_joint_values_are_never_confused():
    pairs = list(itertools.product(ODD, repeat=2))
    frame = pl.DataFrame(pairs, schema=["a", "b"], orient="row")

    joint = raw_values(frame, CROSS, UNNAMED)

    assert joint.n_unique() == len(pairs)
    assert [tuple(members(text)) for text in joint.to_list()[1:]] == pairs[1:]
    assert joint[0] is None


def test_a_missing_member_is_a_value_and_two_are_missing():
    frame = pl.DataFrame({"a": ["x", None, "", None], "b": [1, 23, None, None]})

    joint = raw_values(frame, CROSS, UNNAMED)

    assert joint.to_list() == ["1:x,1:1,", "0:,2:23,", None, None]
    assert joint.name == "ab"


def test_number_of_a_cross_is_that_of_its_range():
    feature = Feature(name="pb", kind="categorical", cross=("p", "b"), cross_edges=((0, 0.1), ()))
    numbers = [-1.0, -0.0, 1e-40, 0.1, 0.0999, None, float("inf"), float("nan")]
    frame = pl.DataFrame({"p": numbers, "b": ["x"] * 7 + [None]})

    joint = raw_values(frame, feature, UNNAMED)

    ranges = [text and members(text)[0] for text in joint.to_list()]
    assert ranges == ["0", "1", "1", "2", "1", "", "", None]
    texts = frame.with_columns(pl.col("p").cast(pl.String))
    assert raw_values(texts, feature, UNNAMED).equals(joint)
    assert raw_values(frame[:4].cast({"p": pl.Float32}), feature, UNNAMED).equals(joint[:4])


def test_a_missing_value_meets_no_condition():
    frame = pl.DataFrame({"p": [1.0, 2.0, 3.0], "b": ["x", None, "y"]})
    feature = Feature(name="q", kind="numeric", source="p", where=Condition(column="b", equals="x"))

    assert raw_values(frame, feature, UNNAMED).to_list() == [1.0, None, None]
    assert raw_type(frame.schema, feature) == pl.Float64


def test_column_of_lists_in_a_cross():
    frame = pl.DataFrame({"a": ["x"], "b": [["y"]]})

    with pytest.raises(SchemaError, match="Feature `ab`: `cross` and `where` must name columns of"):
        raw_values(frame, CROSS, UNNAMED)


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"cross": ["shop", "itm"]}, "Column `itm` is missing in .* Did you mean `item`"),
        ({"source": "itm"}, "Column `itm` is missing in .* Did you mean `item`"),
        (
            {"source": "item", "where": {"column": "shp", "equals": 1}},
            "`shp` is missing in .* Did you mean `shop`",
        ),
        ({"cross": ["shop", "history"]}, "Received: `history`, a column of lists in"),
        (
            {"source": "item", "contains": 3},
            "Feature `f` must be a column of lists. Received: Int64",
        ),
        ({"source": "history", "contains": "x"}, "`contains` must be a whole number, as those in"),
        ({"cross": ["shop", "price"]}, "`price` must be a whole number. Received: "),
        (
            {"source": "item", "where": {"column": "item", "equals": "x"}},
            "`where.equals` must be a whole number, as those in `item`. Received: 'x'",
        ),
    ],
)
def test_table_that_does_not_fit_a_derived_feature(feature, message, tmp_path):
    given = schema(
        [{"name": "shop", "kind": "categorical"}, {"name": "f", "kind": "categorical"} | feature]
    )

    with pytest.raises(SchemaError, match=message):
        prepare(given, table(20), out=tmp_path / "out")


def test_features_that_read_a_column_in_two_types(tmp_path):
    features = [
        {"name": "item", "kind": "categorical"},
        {"name": "again", "kind": "categorical", "source": "item", "dtype": "string"},
    ]

    with pytest.raises(SchemaError, match="Features that read `item` must have one `dtype`. Rec"):
        prepare(schema(features), table(20), out=tmp_path / "out")
