import dataclasses

import farmhash
import numpy as np
import polars as pl
import pytest
import references
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrmoe.data.dtypes import resolve_dtypes
from ctrmoe.data.encode import Encoder, raw_columns
from ctrmoe.data.fit import Fitter
from ctrmoe.data.sources import UNNAMED, Origin, find_files
from ctrmoe.layers.field import Field
from ctrmoe.schema import Feature, Schema, SchemaError, Task

ODD_TEXT = [
    "",
    " ",
    "a",
    "A",
    "é",
    "日本",
    "\U0001f600",
    "a\tb",
    "a\nb",
    "a\r",
    "0",
    "-0",
    "x" * 10_000,
]
TEXT = st.sampled_from(ODD_TEXT) | st.text(max_size=4)
INTEGER = st.sampled_from([-(2**63), 2**63 - 1, 1 - 2**63, 0, -1]) | st.integers(-5, 5)
NUMBER = st.sampled_from([0.0, -0.0, 1e300, -1e30, 1e-40, float("inf"), float("nan")]) | st.floats(
    -50, 50, width=32
)

FEATURES = (
    Feature(name="text", kind="categorical", min_count=2),
    Feature(name="spread", kind="categorical", oov_buckets=3, min_count=2),
    Feature(name="hashed", kind="categorical", hash_buckets=7),
    Feature(name="integer", kind="categorical", min_count=2),
    Feature(name="tags", kind="categorical", max_length=2),
    Feature(name="split", kind="categorical", max_length=3, separator="|", oov_buckets=2),
    Feature(name="history", kind="sequence", max_length=2, vocabulary="integer"),
    Feature(name="none", kind="numeric"),
    Feature(name="standard", kind="numeric", transform="standard"),
    Feature(name="log", kind="numeric", transform="log"),
    Feature(name="square", kind="numeric", transform="log_square"),
    Feature(name="whole", kind="numeric", transform="log_square", truncate=True),
    Feature(name="bucket", kind="numeric", transform="quantile", buckets=4),
)
TYPES = {
    "tags": pl.List(pl.String),
    "history": pl.List(pl.Int64),
    "integer": pl.Int64,
    **{feature.name: pl.Float64 for feature in FEATURES if feature.kind == "numeric"},
}
CLICK = (Task(name="click"),)


def schema_of(*features, **options):
    return Schema(name="test", tasks=CLICK, features=features, **options)


def frame_of(rows):
    return pl.DataFrame(
        {f.name: [row[f.name] for row in rows] for f in FEATURES},
        schema={f.name: TYPES.get(f.name, pl.String) for f in FEATURES},
    )


ROW = st.fixed_dictionaries(
    {
        f.name: st.none()
        | {
            pl.List(pl.String): st.lists(st.none() | TEXT, max_size=4),
            pl.List(pl.Int64): st.lists(st.none() | INTEGER, max_size=4),
            pl.Int64: INTEGER,
            pl.Float64: NUMBER,
            None: TEXT,
        }[TYPES.get(f.name)]
        for f in FEATURES
    }
)


def reference_lines(schema, rows):
    """The vocabulary of every table, by the slow rules."""
    values = {}
    for feature in schema.features:
        if feature.kind == "numeric":
            continue
        column = [row[feature.name] for row in rows]
        table = values.setdefault(feature.table, [])
        for value in column:
            if not feature.max_length:
                table.append(references.canonical_value(value, feature.dtype))
            else:
                # Counted before the list is cut to its maximum length.
                longest = dataclasses.replace(feature, max_length=10_000)
                table += references.list_elements(value, longest)
    return {
        name: references.vocabulary_lines(table, schema[name].dtype, schema[name].min_count)
        for name, table in values.items()
    }


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12), st.lists(ROW, min_size=1, max_size=6))
def test_encode_agrees_with_slow_rules(seen, unseen):
    encoder = Encoder.fit(schema_of(*FEATURES), frame_of(seen))
    lines = reference_lines(encoder.schema, seen)
    rows = seen + unseen

    arrays = encoder.arrays(frame_of(rows), Origin())

    for feature in encoder.schema.features:
        expected = references.encoded_column(
            [row[feature.name] for row in rows],
            feature,
            lines.get(feature.table, []),
            encoder.statistics.get(feature.name),
            farmhash.fingerprint64,
        )
        np.testing.assert_allclose(arrays[feature.name], expected, rtol=1e-6, err_msg=feature.name)


@settings(max_examples=40, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8), st.integers(0, 8), st.randoms())
def test_recoded_chunks_equal_the_encoded_raw_rows(rows, cut, random):
    """What the fitter keeps of every row, trained on or not, gives what its raw values give."""
    frame = frame_of(rows).with_columns(pl.Series("d", range(len(rows))))
    training = np.array([random.random() < 0.5 for _ in rows])
    fitter = Fitter(*resolve_dtypes(schema_of(*FEATURES, domain="d"), find_files(frame)))
    slices = [slice(0, cut), slice(cut, None)]
    chunks = [fitter.add(frame[part], UNNAMED, training[part]) for part in slices]
    encoder = Encoder.from_counts(fitter)
    ids = fitter.code_ids(encoder.vocabularies)

    for part, chunk in zip(slices, chunks, strict=True):
        recoded, arrays = encoder.recode(chunk, ids), encoder.arrays(frame[part], UNNAMED)

        assert recoded.keys() == arrays.keys()
        for name, array in arrays.items():
            assert recoded[name].dtype == array.dtype
            np.testing.assert_array_equal(recoded[name], array, err_msg=name)


@settings(max_examples=20, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12))
def test_encoder_reloads_with_equal_results(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("encoder")
    schema = schema_of(*FEATURES, domain="text")
    encoder = Encoder.fit(schema, frame_of(rows))

    encoder.save(folder)
    loaded = Encoder.load(folder)

    assert loaded.schema == encoder.schema
    assert loaded.fields() == encoder.fields()
    for saved, again in zip(
        encoder.arrays(frame_of(rows), Origin()).items(),
        loaded.arrays(frame_of(rows), Origin()).items(),
        strict=True,
    ):
        assert saved[0] == again[0]
        np.testing.assert_array_equal(saved[1], again[1])


def test_encoded_matrices_follow_schema_order():
    schema = schema_of(
        Feature(name="x", kind="numeric"),
        Feature(name="b", kind="categorical"),
        Feature(name="h", kind="sequence", max_length=3, vocabulary="b"),
        Feature(name="a", kind="categorical"),
        Feature(name="t", kind="categorical", max_length=2, vocabulary="a"),
        domain="b",
    )
    frame = pl.DataFrame(
        {"a": ["u", "v"], "b": [7, 8], "h": [[8, 7], []], "t": [["v"], None], "x": [0.5, None]}
    )

    encoded = Encoder.fit(schema, frame).encode(frame)

    np.testing.assert_array_equal(encoded.ids, [[3, 4], [4, 3]])
    np.testing.assert_array_equal(encoded.sequences, [[4, 3, 0, 3, 0], [0, 0, 0, 1, 0]])
    np.testing.assert_array_equal(encoded.values, [[0.5], [np.nan]])
    np.testing.assert_array_equal(encoded.domain, [3, 4])
    for matrix, dtype in (("ids", "int32"), ("sequences", "int32"), ("values", "float32")):
        assert getattr(encoded, matrix).dtype == dtype
        assert getattr(encoded, matrix).flags.c_contiguous


def test_encode_without_domain_and_lists_gives_empty_matrices():
    frame = pl.DataFrame({"a": ["u", "v"]})

    encoded = Encoder.fit(schema_of(Feature(name="a", kind="categorical")), frame).encode(frame)

    assert encoded.sequences.shape == encoded.values.shape == (2, 0)
    assert encoded.domain is None


def test_unknown_domain_value_has_id_two():
    schema = schema_of(Feature(name="a", kind="categorical"), domain="country")
    encoder = Encoder.fit(schema, pl.DataFrame({"a": ["u"], "country": ["de"]}))

    encoded = encoder.encode(pl.DataFrame({"a": ["u", "u", "u"], "country": ["de", "fr", None]}))

    np.testing.assert_array_equal(encoded.domain, [3, 2, 1])


def test_domain_may_be_a_feature_of_another_vocabulary():
    schema = schema_of(Feature(name="a", kind="categorical", min_count=2), domain="a")
    encoder = Encoder.fit(schema, pl.DataFrame({"a": [5, 5, 6]}))

    encoded = encoder.encode(pl.DataFrame({"a": [5, 6]}))

    np.testing.assert_array_equal(encoded.ids, [[3], [2]])
    np.testing.assert_array_equal(encoded.domain, [3, 4])


def test_fields_describe_every_kind():
    encoder = Encoder.fit(
        schema_of(*FEATURES),
        pl.DataFrame(schema={f.name: TYPES.get(f.name, pl.String) for f in FEATURES}),
    )

    fields = {field["name"]: Field(**field) for field in encoder.fields()}

    assert [field["name"] for field in encoder.fields()] == [f.name for f in FEATURES]
    assert fields["tags"].kind == "multi_valued"
    assert fields["history"] == Field(
        name="history", kind="sequence", vocabulary_size=3, length=2, table="integer"
    )
    assert fields["bucket"].kind == "categorical"
    assert fields["bucket"].vocabulary_size == 4
    assert fields["none"].kind == "numeric"
    assert fields["hashed"].vocabulary_size == 9
    assert fields["spread"].vocabulary_size == 5


def test_quantile_ids_stay_below_the_vocabulary_size():
    schema = schema_of(Feature(name="x", kind="numeric", transform="quantile", buckets=5))
    frame = pl.DataFrame({"x": np.arange(100.0)})
    encoder = Encoder.fit(schema, frame)

    ids = encoder.encode(pl.DataFrame({"x": [-1e9, 0.0, 50.0, 1e9, None]})).ids[:, 0]

    assert ids.tolist() == [3, 3, 5, 7, 1]
    assert encoder.vocabulary_size("x") == 8


def test_missing_column_is_named_with_a_near_one():
    encoder = Encoder.fit(
        schema_of(Feature(name="country", kind="categorical")), pl.DataFrame({"country": ["de"]})
    )

    with pytest.raises(
        SchemaError, match="`country` is missing in the table. Did you mean `Country`"
    ):
        encoder.encode(pl.DataFrame({"Country": ["de"]}))


def test_labels_name_file_row_and_value():
    schema = schema_of(Feature(name="a", kind="categorical"))
    encoder = Encoder.fit(schema, pl.DataFrame({"a": ["u"]}))

    with pytest.raises(SchemaError, match="`click` must be 0 or 1. Received: 2 in x.csv, row 12"):
        encoder.labels(pl.DataFrame({"click": [1, 2]}), Origin("x.csv", 10))


def test_labels_missing_column_is_refused():
    encoder = Encoder.fit(
        schema_of(Feature(name="a", kind="categorical")), pl.DataFrame({"a": ["u"]})
    )

    with pytest.raises(SchemaError, match="The label `click` of task .* none in the table"):
        encoder.labels(pl.DataFrame({"a": ["u"]}))


def test_quantiles_of_numbers_read_as_such(tmp_path):
    schema = schema_of(
        Feature(name="x", kind="numeric", transform="log"),
        Feature(name="y", kind="numeric", transform="quantile"),
    )
    encoder = Encoder.fit(schema, pl.DataFrame({"x": [0.0, 1.0, None], "y": [1.0, 2.0, 3.0]}))
    encoder.save(tmp_path)

    x, y = (Field(**field) for field in Encoder.load(tmp_path).fields())

    assert x.quantiles == pytest.approx([0.0] * 33 + [np.log(2)] * 32)
    assert y.quantiles == ()


@pytest.mark.parametrize("name", ["domain:id", "label:click"])
def test_feature_named_like_an_encoded_column_is_refused(name):
    schema = schema_of(Feature(name=name, kind="categorical"))

    with pytest.raises(SchemaError, match=f"must not be called like .* Received: '{name}'"):
        Encoder.fit(schema, pl.DataFrame({name: ["u"]}))


def test_raw_columns_names_each_column_once():
    schema = schema_of(
        Feature(name="a", kind="categorical"), Feature(name="b", kind="numeric"), domain="a"
    )

    assert raw_columns(schema) == ["a", "b"]
