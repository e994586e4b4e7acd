import numpy as np
import polars as pl
import pytest

from ctrmoe.cli import main
from ctrmoe.ranking import rank, with_presence
from ctrmoe.schema import Schema, SchemaError

SCHEMA = Schema.from_dict(
    {
        "name": "s",
        "domain": "shop",
        "unknown_domains": "refuse",
        "tasks": [{"name": "click"}],
        "features": [
            {"name": "shop", "kind": "categorical"},
            {"name": "tags", "kind": "categorical", "max_length": 4, "separator": "|"},
            {"name": "genres", "kind": "categorical", "max_length": 2, "hash_buckets": 7},
            {"name": "tags has c", "kind": "categorical", "source": "shop"},
        ],
    }
)
SHARES = {"a": 0.6, "b": 0.5, "c": 0.4, "d": 0.1}


def table(rows=4_000, seed=0):
    random = np.random.default_rng(seed)
    drawn = random.random((rows, len(SHARES))) < list(SHARES.values())
    tags = ["|".join(tag for tag, has in zip(SHARES, row, strict=True) if has) for row in drawn]
    return pl.DataFrame(
        {
            "click": (random.random(rows) < np.where(drawn[:, 1], 0.5, 0.2)).astype(int),
            "shop": random.choice(["x", "y"], rows),
            "tags": tags,
            "genres": random.integers(0, 3, (rows, 2)).tolist(),
        }
    )


def test_most_frequent_values_become_features_beside_their_list():
    found = with_presence(SCHEMA, table(), 3)

    names = [feature.name for feature in found.features][4:]
    assert names[:2] == ["tags has a", "tags has b"]  # the third is called like a feature
    assert sorted(names[2:]) == [f"genres has {value}" for value in range(3)]
    assert found["tags has b"].separator == "|"
    assert found["genres has 1"].contains == 1
    assert found["tags has c"] == SCHEMA["tags has c"]


def test_value_that_matters_ranks_above_its_list_and_the_others():
    ranking = rank(with_presence(SCHEMA, table(), 4), table())

    assert ranking["feature"][0] == "tags has b"
    above = ranking.filter(pl.col("above_noise"))["feature"].to_list()
    assert set(above) == {"tags has b", "tags"}


@pytest.mark.parametrize(
    ("features", "count", "message"),
    [
        (SCHEMA.features, 0, "`explode` must be at least 1. Received: 0"),
        (SCHEMA.features[:1], 2, "`explode` must be left out where no categorical feature has"),
    ],
)
def test_bad_number_or_no_list(features, count, message):
    with pytest.raises(SchemaError, match=message):
        with_presence(SCHEMA.replace(features=features), table(50), count)


def test_command_selects_values_for_preparation(tmp_path, capsys):
    table().write_parquet(tmp_path / "clicks.parquet")
    (tmp_path / "schema.toml").write_text(SCHEMA.dumps())
    words = ["rank", tmp_path / "clicks.parquet", "--schema", tmp_path / "schema.toml"]
    words += ["--out", tmp_path / "ranking", "--explode", 2, "--select", 1]
    words += ["--out-schema", tmp_path / "chosen.toml"]

    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])

    assert not ended.value.code, capsys.readouterr().err
    # The list is as strong as its value; neither comes behind plain features.
    assert not (tmp_path / "ranking" / "forward.parquet").exists()
    (kept,) = Schema.load(tmp_path / "chosen.toml").features
    assert (kept.name, kept.contains, kept.source) == ("tags has b", "b", "tags")
