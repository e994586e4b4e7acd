import polars as pl
import pytest

from ctrmoe.data.dtypes import resolve_dtypes
from ctrmoe.data.encode import Encoder
from ctrmoe.data.sources import find_files
from ctrmoe.schema import Feature, Schema, SchemaError, Task


def schema_of(*features, **options):
    return Schema(name="t", tasks=(Task(name="click"),), features=features, **options)


def resolved(schema, *tables):
    schema, domain = resolve_dtypes(schema, find_files(tables))
    return {feature.name: feature.dtype for feature in schema.features}, domain


def test_dtypes_are_filled_in():
    schema = schema_of(
        Feature(name="text", kind="categorical"),
        Feature(name="whole", kind="categorical"),
        Feature(name="tags", kind="categorical", max_length=2, separator="|"),
        Feature(name="x", kind="numeric"),
        domain="whole",
    )
    frame = pl.DataFrame({"text": ["a"], "whole": [1.0], "tags": [7], "x": [1]})

    dtypes, domain = resolved(schema, frame)

    assert dtypes == {"text": "string", "whole": "integer", "tags": "string", "x": "float"}
    assert domain == "integer"


def test_dtype_of_the_schema_stands():
    schema = schema_of(Feature(name="a", kind="categorical", dtype="integer"))

    assert resolved(schema, pl.DataFrame({"a": ["1"]}))[0] == {"a": "integer"}


def test_text_in_one_file_makes_the_feature_text():
    schema = schema_of(Feature(name="a", kind="categorical"))
    tables = [pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": ["x"]}), pl.DataFrame({"a": [None]})]

    assert resolved(schema, *tables)[0] == {"a": "string"}
    assert Encoder.fit(schema, tables).vocabularies["a"].values.to_list() == ["1", "2", "x"]


def test_features_that_share_a_vocabulary_share_its_type():
    schema = schema_of(
        Feature(name="item", kind="categorical"),
        Feature(name="history", kind="sequence", max_length=2, vocabulary="item"),
    )
    frame = pl.DataFrame({"item": [7, 8], "history": [["8", "x"], ["8"]]})

    encoder = Encoder.fit(schema, frame)

    assert {feature.dtype for feature in encoder.schema.features} == {"string"}
    assert encoder.vocabularies["item"].values.to_list() == ["8", "7", "x"]


def test_sharing_features_of_two_named_types_are_refused():
    schema = schema_of(
        Feature(name="item", kind="categorical", dtype="string"),
        Feature(name="history", kind="sequence", max_length=2, vocabulary="item", dtype="integer"),
    )

    with pytest.raises(
        SchemaError, match="vocabulary of `item` must have one `dtype`. .* integer, s"
    ):
        resolved(schema, pl.DataFrame({"item": ["a"], "history": [[1]]}))


def test_domain_of_lists_is_refused():
    schema = schema_of(Feature(name="a", kind="categorical"), domain="d")

    with pytest.raises(SchemaError, match="Domain `d` must hold one value a row. .* in frame-0"):
        resolved(schema, pl.DataFrame({"a": ["x"], "d": [["x"]]}))
