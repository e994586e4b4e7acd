import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking import rank, rank_tables
from ctrmoe.ranking.surrogates import OneHotLogistic
from ctrmoe.schema import Schema, SchemaError

ROWS = 6_000
SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "domain": "country",
        "tasks": [{"name": "click"}],
        "features": [
            {"name": "user", "kind": "categorical"},
            {"name": "price", "kind": "numeric", "transform": "sqrt_abs"},
            {"name": "tags", "kind": "categorical", "max_length": 3, "separator": "|"},
        ],
    }
)


def table():
    random = np.random.default_rng(8)
    user = random.integers(0, 500, ROWS)
    return pl.DataFrame(
        {
            "user": [f"u{value}" for value in user],
            "price": random.normal(size=ROWS).round(3),
            "tags": np.where(user % 3, "a|b", "c"),
            "country": np.where(user % 2, "si", "at"),
            "click": (random.random(ROWS) < 0.1 + 0.2 * (user % 2)).astype(int),
        }
    )


@pytest.mark.slow
def test_cluster_counts_as_one_process(tmp_path, ray):
    """Of parquet and text, with halves, controls and a sample that go by the number of the row."""
    frame, done = table(), []
    frame[:1_000].write_parquet(tmp_path / "a.parquet")
    frame[1_000:4_500].write_csv(tmp_path / "b.csv")
    frame[4_500:].write_parquet(tmp_path / "c.parquet")
    paths = [str(tmp_path / name) for name in ("a.parquet", "b.csv", "c.parquet")]
    options = {"by_domain": True, "controls": True, "score": OneHotLogistic(rows=500)}
    options |= {"chunk_rows": 700, "seed": 3, "memory": 16 << 20}

    found = rank_tables(SCHEMA, paths, engine="ray", workers=2, on_rows=done.append, **options)

    expected = rank_tables(SCHEMA, paths, **options)
    assert found.keys() == expected.keys() == {"ranking", "by_domain", "heterogeneity"}
    assert all(found[name].equals(frame) for name, frame in expected.items())
    assert sum(done) == ROWS and len(done) == 3
    assert ray.is_initialized()  # it was before


@pytest.mark.slow
def test_value_that_a_worker_refuses_is_named(tmp_path, ray):
    table().write_parquet(tmp_path / "a.parquet")
    table().with_columns(click=pl.lit(2)).write_parquet(tmp_path / "b.parquet")

    with pytest.raises(
        SchemaError, match="`click` must be 0 or 1. Received: 2 in .*b.parquet, row 1"
    ):
        rank(SCHEMA, tmp_path, engine="ray")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "spark"}, "`engine` must be local or ray. Received: 'spark'."),
        ({"engine": "ray", "null": "shift"}, "`null` must be permutation or analytic on a cluster"),
    ],
)
def test_cluster_that_can_not_be_had(options, message):
    with pytest.raises(SchemaError, match=message):
        rank(SCHEMA, table()[:100], **options)
