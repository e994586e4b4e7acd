import numpy as np
import polars as pl
import pytest

from ctrmoe.condition import Condition
from ctrmoe.data.encode import Encoder
from ctrmoe.data.growth import domain_sources, grown, row_sources
from ctrmoe.data.numeric import NumericStatistics
from ctrmoe.data.packed import DOMAIN
from ctrmoe.data.sources import UNNAMED
from ctrmoe.data.vocabulary import Vocabulary, hash_buckets
from ctrmoe.schema import Feature, Schema, SchemaError, Task

FEATURES = (
    Feature(name="user", kind="categorical", dtype="string"),
    Feature(name="item", kind="categorical", dtype="integer"),
    Feature(name="spread", kind="categorical", oov_buckets=5, dtype="string"),
    Feature(name="page", kind="categorical", hash_buckets=7, dtype="string"),
    Feature(name="history", kind="sequence", max_length=3, vocabulary="item", dtype="integer"),
    Feature(name="age", kind="numeric", transform="quantile", dtype="float"),
    Feature(name="price", kind="numeric", dtype="float"),
)
SCHEMA = Schema(name="t", tasks=(Task(name="click"),), features=FEATURES, domain="shop")


def encoder(user, item, shop, spread="", schema=SCHEMA, edges=(20.0, 40.0), domain_dtype="string"):
    """An encoder by hand; each letter of a text and each number of a list is a value."""
    values = {
        "user": (user, 1, 0),
        "spread": (spread, 5, 0),
        "page": ("", 1, 7),
        DOMAIN: (shop, 1, 0),
    }
    vocabularies = {
        name: Vocabulary(pl.Series("value", list(texts), pl.String), "string", oov, hashed)
        for name, (texts, oov, hashed) in values.items()
    }
    vocabularies["item"] = Vocabulary(pl.Series(list(map(str, item)), dtype=pl.String), "integer")
    statistics = {
        "age": NumericStatistics(upper=90.0, edges=edges),
        "price": NumericStatistics(upper=edges[0]),
    }
    return Encoder(schema, vocabularies, statistics, domain_dtype)


OLD = encoder("abc", [10, 20], "xy", "pq", edges=(30.0, 50.0))
NEW = encoder("cda", [30, 10], "zx", "qrs")


def ids(encoder, column, values):
    """The ids of values of one column, all others null."""
    numbers = {"item": pl.Int64, "history": pl.List(pl.Int64)}
    names = [*(feature.name for feature in FEATURES), "shop"]
    frame = pl.DataFrame(
        {name: values if name == column else [None] * len(values) for name in names},
        schema_overrides={name: numbers.get(name, pl.String) for name in names},
    )
    return encoder.arrays(frame, UNNAMED)[DOMAIN if column == "shop" else column].tolist()


def test_old_values_are_appended_in_their_order():
    result = grown(NEW, OLD)

    values = {name: v.values.to_list() for name, v in result.vocabularies.items()}
    assert values["user"] == ["c", "d", "a", "b"]
    assert values["item"] == ["30", "10", "20"]
    assert values["spread"] == ["q", "r", "s", "p"]
    assert values["page"] == []
    assert values[DOMAIN] == ["z", "x", "y"]
    assert result.schema == NEW.schema
    assert result.statistics == NEW.statistics


def test_ids_of_the_prepared_data_stay_and_old_values_get_one():
    result = grown(NEW, OLD)

    assert ids(result, "user", ["c", "d", "a", None, "?"]) == ids(
        NEW, "user", ["c", "d", "a", None, "?"]
    )
    assert ids(result, "user", ["b"]) == [NEW.vocabulary_size("user")]
    assert ids(result, "item", [30, 10, 20]) == [3, 4, 5]
    assert ids(result, "shop", ["z", "x", "y", "?"]) == [3, 4, 5, 2]


def test_grown_encoder_is_what_it_was_after_saving(tmp_path):
    result = grown(NEW, OLD)

    result.save(tmp_path)

    loaded = Encoder.load(tmp_path)
    for name, vocabulary in result.vocabularies.items():
        assert loaded.vocabularies[name].values.to_list() == vocabulary.values.to_list()
    assert loaded.statistics == result.statistics
    assert ids(loaded, "item", [20, 30, 7]) == [5, 3, 2]


def test_growth_by_itself_changes_nothing():
    result = grown(OLD, OLD)

    for feature in SCHEMA.features:
        size = OLD.vocabulary_size(feature.name)
        assert row_sources(result, OLD, feature.name).tolist() == list(range(size))
    assert domain_sources(result, OLD).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("user", [0, 1, 2, 5, 2, 3, 4]),  # c d a b
        ("item", [0, 1, 2, 2, 3, 4]),  # 30 10 20
        ("history", [0, 1, 2, 2, 3, 4]),
        ("page", list(range(9))),
        ("age", list(range(6))),
        ("price", []),
        (DOMAIN, [0, 1, 2, 2, 3, 4]),  # z x y
    ],
)
def test_rows_start_from_the_value_they_had(name, expected):
    sources = row_sources(grown(NEW, OLD), OLD, name)

    assert sources.tolist() == expected
    assert sources.dtype == np.int32


def test_new_values_start_from_the_bucket_they_had_as_unknown_ones():
    sources = row_sources(grown(NEW, OLD), OLD, "spread")

    r, s = 2 + hash_buckets(pl.Series(["r", "s"]), 5)
    assert r != s
    assert sources.tolist() == [0, 1, 2, 3, 4, 5, 6, 8, r, s, 7]  # q r s p


def test_every_value_starts_from_the_row_that_the_old_run_looked_up():
    """So predictions are the same after growth, for values old, new and unknown to both."""
    result = grown(NEW, OLD)
    texts = [*"abcdefpqrsxyz", None, "", "other"]

    for name in ("user", "spread", "page", "shop"):
        sources = row_sources(result, OLD, DOMAIN if name == "shop" else name)
        assert sources[ids(result, name, texts)].tolist() == ids(OLD, name, texts)
    numbers = [10, 20, 30, 40, -(2**63), None]
    sources = row_sources(result, OLD, "item")
    assert sources[ids(result, "item", numbers)].tolist() == ids(OLD, "item", numbers)


def test_new_domains_start_from_no_known_domain():
    assert domain_sources(grown(NEW, OLD), OLD).tolist() == [0, 0, 1, 2]  # none z x y


def changed(name, **options):
    features = [
        {field: getattr(f, field) for field in Feature.__slots__}
        | (options if f.name == name else {})
        for f in FEATURES
    ]
    return SCHEMA.replace(features=tuple(Feature(**feature) for feature in features))


@pytest.mark.parametrize(
    ("new", "message"),
    [
        (
            {"schema": changed("page", hash_buckets=8)},
            "Feature `page`: `hash_buckets` must be that of the old run. Received: 8 instead of 7.",
        ),
        (
            {"schema": changed("spread", oov_buckets=2)},
            "`spread`: `oov_buckets` .*: 2 instead of 5",
        ),
        ({"schema": changed("user", dtype="integer")}, "`user`: `dtype` .*: 'integer' instead of"),
        (
            {"schema": changed("user", kind="sequence", max_length=2)},
            "`user`: `kind` .*: 'sequence' instead of 'categorical'",
        ),
        (
            {"schema": changed("history", vocabulary="")},
            "`history`: `vocabulary` .*: '' instead of",
        ),
        (
            {"schema": changed("price", transform="log")},
            "`price`: `transform` .*: 'log' instead of",
        ),
        (
            {"schema": changed("user", source="person")},
            "`user`: `source` .*: 'person' instead of ''",
        ),
        (
            {"schema": changed("user", cross=("page", "spread"))},
            r"`user`: `cross` .*: \('page', 'spread'\) instead of \(\)",
        ),
        (
            {"schema": changed("user", where=Condition(column="page", equals="p"))},
            "`user`: `where` must be that of the old run. Received: Condition.* instead of None",
        ),
        ({"edges": (20.0,)}, "Feature `age`: `number of buckets` must .* Received: 2 instead of 3"),
        ({"schema": SCHEMA.replace(domain="user")}, "`domain` must be that .*: 'user' instead of"),
        ({"domain_dtype": "integer"}, "`dtype of the domain` must be .*: 'integer' instead of"),
        (
            {"schema": SCHEMA.replace(features=FEATURES[:2])},
            "The features must be those of the old run, in their order. Received: user, item inst",
        ),
    ],
)
def test_encoders_that_give_ids_in_different_ways(new, message):
    other = encoder("a", [1], "x", **new)

    with pytest.raises(SchemaError, match=message):
        grown(other, OLD)
    with pytest.raises(SchemaError, match=message):
        row_sources(other, OLD, "user")


def test_lengths_and_counts_may_differ():
    other = encoder("a", [1], "x", schema=changed("history", max_length=9, min_count=4))

    assert grown(other, OLD).schema["history"].max_length == 9
