import pytest

from ctrmoe.config import Config
from ctrmoe.layers import FeatureEmbedding, Field
from ctrmoe.model_fields import bottom_token, configured_fields

FIELDS = [
    Field(name="user", kind="categorical", vocabulary_size=9),
    Field(name="tags", kind="multi_valued", vocabulary_size=9, length=3),
    Field(name="last", kind="categorical", table="user"),
    Field(name="price", kind="numeric", quantiles=(0.0, 1.0)),
    Field(name="age", kind="numeric", quantiles=(0.0, 2.0)),
]


def configured(frozen=True, **embedding):
    config = Config.from_dict({"model": {"embedding": embedding}})
    fields = configured_fields(FIELDS, config.model.embedding, frozen=frozen)
    return {field.name: field for field in fields}


def test_without_options_the_fields_are_those_of_the_data():
    assert list(configured().values()) == FIELDS


def test_numeric_of_the_layer_and_of_a_feature():
    fields = configured(
        numeric={"kind": "autodis"}, features={"age": {"numeric": {"kind": "periodic", "sigma": 2}}}
    )

    assert fields["price"].numeric == {"kind": "autodis"}
    assert fields["age"].numeric == {"kind": "periodic", "sigma": 2}
    assert fields["age"].quantiles == (0.0, 2.0)
    assert fields["user"].numeric == {}


def test_table_of_a_feature():
    fields = configured(
        dims={"tags": 4},
        features={
            "user": {"compose": "quotient_remainder", "buckets": 3, "operation": "add"},
            "tags": {"combiner": "sqrtn", "pretrained": "tags.parquet", "trainable": False},
        },
    )

    assert (fields["user"].buckets, fields["user"].operation) == (3, "add")
    assert (fields["tags"].combiner, fields["tags"].embedding_dim) == ("sqrtn", 4)
    assert not fields["tags"].trainable and fields["user"].trainable


def test_only_tables_with_vectors_are_frozen():
    frozen = {"features": {"tags": {"pretrained": "tags.parquet", "trainable": False}}}

    assert configured(frozen=False, **frozen)["tags"].trainable


@pytest.mark.parametrize(
    ("embedding", "message"),
    [
        ({"dims": {"usr": 3}}, r"`embedding.dims` must name features. Received: \['usr'\]"),
        ({"features": {"usr": {}}}, r"`embedding.features` must name features. Received: \['usr'"),
        (
            {"features": {"user": {"combiner": "sum"}}},
            "`combiner` is for a field with several ids a row. .*'user'",
        ),
        (
            {"features": {"user": {"numeric": {"kind": "autodis"}}}},
            "`numeric` and `quantiles` are for a numeric field. .*'user'",
        ),
        (
            {"features": {"user": {"compose": "quotient_remainder"}}},
            "`compose` and `buckets` must be given together. Received: 0 for feature 'user'",
        ),
        (
            {"features": {"user": {"buckets": 4}}},
            "`compose` and `buckets` must be given together. Received: 4",
        ),
        (
            {"features": {"user": {"operation": "add"}}},
            "`operation` is for a table with `compose`. Received: 'add'",
        ),
        (
            {
                "features": {
                    "user": {"compose": "quotient_remainder", "buckets": 3, "pretrained": "a"}
                }
            },
            "`pretrained` vectors need a table of a row an id, without `compose`. Received: 'a'",
        ),
        ({"features": {"last": {"pretrained": "a"}}}, "`pretrained` is for the feature that owns"),
        ({"features": {"age": {"pretrained": "a"}}}, "`pretrained` is for the feature that owns"),
        (
            {"features": {"user": {"trainable": False}}},
            "`trainable` may be false for a table with `pretrained` vectors only. Received: False",
        ),
        (
            {"features": {"last": {"compose": "quotient_remainder", "buckets": 3}}},
            "must be those of the field that owns the shared table. .* Set them for 'user'",
        ),
    ],
)
def test_options_that_cannot_be(embedding, message):
    with pytest.raises(ValueError, match=message):
        configured(**embedding)


@pytest.mark.parametrize("pool", [True, False])
def test_token_of_the_bottom_mlp(pool):
    fields = [
        Field(name="history", kind="sequence", vocabulary_size=9, length=2),
        Field(name="price", kind="numeric"),
        Field(name="age", kind="numeric", numeric={"kind": "bottom_mlp"}),
        Field(name="height", kind="numeric", numeric={"kind": "bottom_mlp"}),
        Field(name="user", kind="categorical", vocabulary_size=9),
    ]

    assert bottom_token(FeatureEmbedding(fields, 4, pool_sequences=pool)) == 2 - (not pool)
    assert bottom_token(FeatureEmbedding(fields[:2], 4)) is None
