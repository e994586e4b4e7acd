import numpy as np
import polars as pl
import pytest

from ctrmoe.data.sources import UNNAMED, find_files
from ctrmoe.ranking import Ranker, value_names
from ctrmoe.ranking.distributions import frequent_keys
from ctrmoe.ranking.keys import value_texts
from ctrmoe.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "tasks": [{"name": "click"}],
        "features": [
            {"name": "shop", "kind": "categorical"},
            {"name": "user", "kind": "categorical"},
            {"name": "tags", "kind": "categorical", "max_length": 2},
        ],
    }
)
TABLE = pl.DataFrame(
    {
        "shop": ["a", "b", "a", None, "c", "a"],
        "user": [7, 7, 2**62, 8, 7, -1],
        "tags": [["x", "y"], ["x"], [], None, ["y", "x"], ["z"]],
        "click": [0, 1, 0, 1, 0, 1],
    }
)


def look_up(table, **options):
    ranker = Ranker(SCHEMA, **options)
    ranker.add(table)
    counts = {(name, "click"): ranker.counts(name, "click") for name in ("shop", "user", "tags")}
    wanted = {place: frequent_keys(counted) for place, counted in counts.items()}
    found = value_names.value_names(find_files(table), SCHEMA, counts, wanted)
    return {
        name: [found[name, "click"].get(key) for key in wanted[name, "click"].tolist()]
        for name, _ in wanted
    }


def test_texts_numbers_and_items_of_lists_are_found_by_their_keys():
    found = look_up(TABLE)

    assert found["shop"][0] == "a"
    assert sorted(found["shop"]) == ["a", "b", "c"]
    assert found["user"][0] == "7"
    assert sorted(found["user"]) == ["-1", "4611686018427387904", "7", "8"]
    assert found["tags"][0] == "x"


def test_value_that_shares_its_bucket_is_named_by_the_most_frequent_one():
    users = np.concatenate([np.zeros(900, int), np.arange(5_000)])
    table = pl.DataFrame({"shop": "a", "user": users, "tags": [["x"]] * 5_900, "click": users % 2})

    found = look_up(table, memory=3 * 80 * 1_024)

    assert found["user"][0] == "0, among others"
    assert found["shop"] == ["a"]


def test_search_ends_where_all_is_found_or_rows_are_enough(monkeypatch):
    monkeypatch.setattr(value_names, "CHUNK_ROWS", 2)
    read = []
    real = value_names.read_files

    def counting(*arguments):
        for chunk in real(*arguments):
            read.append(len(chunk[0]))
            yield chunk

    monkeypatch.setattr(value_names, "read_files", counting)

    assert look_up(TABLE.with_columns(shop=pl.lit("a"), user=7, tags=pl.lit(["x"])))["shop"] == [
        "a"
    ]
    assert read == [2]
    monkeypatch.setattr(value_names, "MAX_ROWS", 4)
    assert None in look_up(TABLE)["shop"]


@pytest.mark.parametrize("columns", [("shop",), ("shop", "tags")])
def test_only_columns_that_are_asked_for_are_read(columns):
    ranker = Ranker(SCHEMA)
    ranker.add(TABLE)
    counts = {(name, "click"): ranker.counts(name, "click") for name in columns}
    wanted = {place: frequent_keys(counted) for place, counted in counts.items()}
    files = find_files(TABLE.select(*columns))

    found = value_names.value_names(files, SCHEMA, counts, wanted)

    assert {name for name, _ in found} == set(columns)


def test_values_of_a_cross_are_made_of_its_columns():
    features = [{"name": "pair", "kind": "categorical", "cross": ["shop", "user"]}]
    schema = Schema.from_dict({"name": "x", "tasks": [{"name": "click"}], "features": features})
    ranker = Ranker(schema)
    ranker.add(TABLE)
    counts = {("pair", "click"): ranker.counts("pair", "click")}
    wanted = {place: frequent_keys(counted) for place, counted in counts.items()}

    found = value_names.value_names(find_files(TABLE), schema, counts, wanted)

    texts = found["pair", "click"].values()
    assert sorted(texts) == [" × 8", "a × -1", "a × 4611686018427387904", "a × 7", "b × 7", "c × 7"]


def test_numbers_of_a_cross_are_named_by_their_ranges():
    cross = {"name": "pair", "kind": "categorical", "cross": ["user", "shop"]}
    cross |= {"cross_edges": [[0, 7.5], []]}
    schema = Schema.from_dict({"name": "x", "tasks": [{"name": "click"}], "features": [cross]})

    _, texts = value_texts(TABLE, schema["pair"], UNNAMED)

    expected = ["below 0 × a", "from 0 × a", "from 0 × b", "from 0 × c", "from 7.5 × a"]
    assert sorted(texts) == [*expected[:4], "from 7.5 × ", expected[4]]
