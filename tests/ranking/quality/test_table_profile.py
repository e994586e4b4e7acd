import numpy as np
import polars as pl
import pytest

from ctrmoe.data.sources import find_files
from ctrmoe.ranking.quality.plan import plan_columns, shared
from ctrmoe.ranking.quality.statistics import statistics
from ctrmoe.ranking.quality.table_profile import TableProfile
from ctrmoe.ranking.quality.tables import Tables
from ctrmoe.ranking.quality.typed_file import TypedFile
from ctrmoe.schema import Schema

ROWS = 3_000
SCHEMA = Schema.from_dict(
    {
        "name": "t",
        "timestamp": "time",
        "tasks": [{"name": "y"}, {"name": "z"}],
        "features": [
            {"name": "id", "kind": "categorical"},
            {"name": "price", "kind": "numeric"},
            {"name": "tags", "kind": "sequence", "max_length": 2},
        ],
    }
)
random = np.random.default_rng(12)
FRAME = pl.DataFrame(
    {
        "id": [f"v{i}" if i % 7 else None for i in random.zipf(1.3, ROWS) % 10_000],
        "price": random.normal(size=ROWS),
        "tags": [random.integers(0, 40, n).tolist() for n in random.integers(0, 3, ROWS)],
        "y": random.integers(0, 2, ROWS),
        "z": [None if i % 5 == 0 else i % 2 for i in range(ROWS)],
        "time": np.arange(ROWS) * 60 + 1_700_000_000,
    }
)
FRAME = pl.concat([FRAME, FRAME[100:300]])
FILES = [TypedFile.open(s, SCHEMA) for s in find_files([FRAME[:1_000], FRAME[1_000:]])]
PLAN = plan_columns(SCHEMA, FILES)
SMALL = {"max_keys": 128, "max_rows": 256}


def profile(sizes=SMALL, files=FILES, first=None, **options):
    result = TableProfile(SCHEMA, PLAN, shared([f.types for f in FILES], PLAN), **sizes)
    for file in files:
        result.add_file(file, first, **options)
    return result


def content(table):
    return {
        "rows": (table.rows, table.unlabelled, [(f.first, f.rows) for f in table.files]),
        "labels": table.labels,
        "statistics": statistics(Tables(SCHEMA, table)).to_dicts(),
        "fingerprints": [column.fingerprint for column in table.columns.values()],
        "by file": [column.by_file for column in table.columns.values()],
        "buckets": [column.buckets.tolist() for column in table.columns.values()],
        "counts": [
            counts.table().to_dicts()
            for counts in (
                table.times,
                table.row_counts,
                *(column.counts for column in table.columns.values()),
            )
        ],
    }


@pytest.mark.parametrize("sizes", [SMALL, {}], ids=["small", "exact"])
@pytest.mark.parametrize("chunk_rows", [61, 1_000])
def test_profile_does_not_depend_on_the_chunks(sizes, chunk_rows):
    assert content(profile(sizes, chunk_rows=chunk_rows)) == content(profile(sizes))


@pytest.mark.parametrize("sizes", [SMALL, {}], ids=["small", "exact"])
def test_merged_parts_are_the_whole(sizes):
    part, other = profile(sizes, FILES[:1], first=0), profile(sizes, FILES[1:], first=1_000)

    other.merge(part)

    assert content(other) == content(profile(sizes))


def test_exact_counts_are_those_of_the_frame():
    table = profile({})

    row_counts = table.row_counts.table()
    assert table.rows == row_counts["_rows"].sum() == ROWS + 200
    assert row_counts.height == ROWS
    column = table.columns["id"]
    assert column.counts.distinct == FRAME["id"].drop_nulls().n_unique()
    assert column.missing == FRAME["id"].null_count()
    value, share = column.most_frequent
    top = FRAME["id"].value_counts(sort=True).drop_nulls()
    assert share == top["count"][0] / FRAME.height
    assert value == top["id"][0]
    rare = FRAME["id"].drop_nulls().value_counts().filter(pl.col("count") < 5)["count"].sum()
    assert column.rare_share == pytest.approx(rare / column.present)
    tags = table.columns["tags"]
    assert tags.counts.table()["_rows"].sum() == FRAME["tags"].list.len().sum()
    assert tags.missing == (FRAME["tags"].list.len() == 0).sum()
    assert table.labels["z"].missing == FRAME["z"].null_count()


def test_quantiles_are_near_those_of_the_frame():
    exact = profile({}).columns["price"].quantiles([0.1, 0.5])
    coarse = profile().columns["price"].quantiles([0.1, 0.5])

    expected = FRAME["price"].quantile(0.1), FRAME["price"].quantile(0.5)
    assert exact == pytest.approx(expected, abs=0.01)
    assert coarse == pytest.approx(expected, abs=0.3)


def test_rows_are_named_by_file_and_number():
    table = profile({})

    assert table.row(0).endswith("frame-0, row 1")
    assert table.row(1_000).endswith("frame-1, row 1")
    assert table.file_at(1_000).endswith("frame-1")
    assert table.name.endswith("and 1 more")


def test_share_of_repeated_rows_is_estimated():
    counts = profile().row_counts

    assert counts.level > 0
    rows = counts.table()["_rows"]
    assert 1 - len(rows) / rows.sum() == pytest.approx(200 / (ROWS + 200), abs=0.05)
