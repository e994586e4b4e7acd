import json

import pytest

from ctrmoe.layers import Field


@pytest.mark.parametrize(
    "field",
    [
        Field(name="hour", kind="categorical", vocabulary_size=27, embedding_dim=2),
        Field(name="tags", kind="multi_valued", vocabulary_size=9, length=4),
        Field(name="history", kind="sequence", length=8, table="item"),
        Field(name="price", kind="numeric"),
        Field(name="age", kind="numeric", numeric={"kind": "periodic"}, quantiles=(0.0, 1.0, 9.0)),
        Field(name="tags", kind="multi_valued", vocabulary_size=9, combiner="max", trainable=False),
        Field(name="user", kind="categorical", vocabulary_size=9, buckets=3, operation="add"),
    ],
)
def test_json_round_trip(field):
    assert Field(**json.loads(json.dumps(field.to_dict()))) == field


@pytest.mark.parametrize(
    ("kind", "is_list"),
    [("categorical", False), ("multi_valued", True), ("sequence", True)],
)
def test_is_list_of_a_kind(kind, is_list):
    assert Field(name="a", kind=kind, vocabulary_size=3).is_list is is_list


def test_number_is_no_list():
    assert not Field(name="a", kind="numeric").is_list


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"kind": "dense"},
            "`kind` must be one of categorical, multi_valued, numeric, sequence. "
            "Received: kind='dense' of field 'a'",
        ),
        (
            {"kind": "categorical", "vocabulary_size": 2},
            r"`vocabulary_size` must count the 3 reserved ids .* Received: vocabulary_size=2",
        ),
        ({"kind": "sequence", "length": 4}, "Received: vocabulary_size=0 of field 'a'"),
        (
            {"kind": "categorical", "vocabulary_size": 2, "table": "b"},
            "Received: vocabulary_size=2 of field 'a'",
        ),
        (
            {"kind": "categorical", "vocabulary_size": 5, "length": 2},
            "`length` must be at least 1, and 1 for a categorical field. "
            "Received: length=2 of categorical field 'a'",
        ),
        ({"kind": "sequence", "vocabulary_size": 5, "length": 0}, "Received: length=0 of sequence"),
        (
            {"kind": "categorical", "vocabulary_size": 5, "embedding_dim": -1},
            "`embedding_dim` must be positive, or 0 for the layer's. Received: embedding_dim=-1",
        ),
        (
            {"kind": "categorical", "vocabulary_size": 5, "combiner": "sum"},
            "`combiner` is for a field with several ids a row. Received: combiner='sum'",
        ),
        (
            {"kind": "multi_valued", "vocabulary_size": 5, "combiner": "median"},
            "`combiner` must be one of 'max', 'mean', 'sqrtn', 'sum'. Received",
        ),
        (
            {"kind": "categorical", "vocabulary_size": 5, "numeric": {"kind": "autodis"}},
            "`numeric` and `quantiles` are for a numeric field. Received: numeric=.*'a'",
        ),
        (
            {"kind": "categorical", "vocabulary_size": 5, "buckets": 5},
            "`buckets` must be at least 2 and less than the number of ids. Received: buckets=5 "
            "of field 'a' with 5 ids",
        ),
        ({"kind": "categorical", "vocabulary_size": 5, "buckets": 1}, "`buckets` must be at least"),
        (
            {"kind": "categorical", "table": "b", "trainable": False},
            "must be those of the field that owns the shared table. .* Set them for 'b'",
        ),
        (
            {"kind": "categorical", "vocabulary_size": 5, "operation": "divide"},
            "`operation` must be one of 'add', 'concatenate', 'multiply'. Received",
        ),
        (
            {"kind": "sequence", "vocabulary_size": 5, "weighted": True},
            "`weighted` is for a multi-valued field .* Received: sequence field 'a'",
        ),
        (
            {"kind": "multi_valued", "vocabulary_size": 5, "weighted": True, "combiner": "max"},
            "a combiner other than 'max'. Received: .*combiner='max'",
        ),
        ({"kind": "numeric", "buckets": 2}, "A numeric field must leave"),
        ({"kind": "numeric", "trainable": False}, "A numeric field must leave"),
        ({"kind": "numeric", "vocabulary_size": 5}, "A numeric field must leave"),
        ({"kind": "numeric", "length": 2}, "A numeric field must leave"),
        ({"kind": "numeric", "table": "b"}, "A numeric field must leave"),
        ({"kind": "numeric", "embedding_dim": 2}, r"A numeric field .* Received: .*'a'"),
    ],
)
def test_field_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        Field(name="a", **options)
