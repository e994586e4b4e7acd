"""P19: what workers count of their parts adds up to what one of them counts of the whole."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ctrmoe.data.sources import find_files
from ctrmoe.ranking.domains import Domains
from ctrmoe.ranking.quality.plan import plan_columns, shared
from ctrmoe.ranking.quality.statistics import statistics
from ctrmoe.ranking.quality.table_profile import TableProfile
from ctrmoe.ranking.quality.tables import Tables
from ctrmoe.ranking.quality.typed_file import TypedFile
from ctrmoe.ranking.ranker import Ranker
from ctrmoe.schema import Schema

ROWS, USERS = 40_000, 200_000
EXACT, COARSE = 2 << 30, 12 * 80 << 13
"""Bytes of counts: for every value, and for 8,192 of each of the twelve tables."""
SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "domain": "country",
        "tasks": [{"name": "click"}, {"name": "buy"}],
        "features": [
            {"name": "user", "kind": "categorical"},
            {"name": "price", "kind": "numeric"},
            {"name": "tags", "kind": "categorical", "max_length": 3},
        ],
    }
)


def table():
    random = np.random.default_rng(19)
    user, price = random.integers(0, USERS, ROWS), random.lognormal(size=ROWS)
    click = random.random(ROWS) < 0.1 + 0.2 * (user % 2) + 0.1 * (price > 1)
    return pl.DataFrame(
        {
            "user": [f"u{value}" for value in user],
            "price": np.where(user % 9, price, np.nan),
            "tags": [[int(value % 5), 7] if value % 3 else [] for value in user],
            "country": np.where(user % 4 > 1, "si", "at"),
            "click": click.astype(int),
            "buy": [int(value % 2) if value % 7 else None for value in user],
        }
    )


def counted(path, first, memory):
    """Runs in a worker: the counts of one file."""
    ranker = Ranker(SCHEMA, parts=[Domains("country", ["si", "at"])], memory=memory, threads=1)
    ranker.add(pl.read_parquet(path), first_row=first)
    return ranker


def profiled(path, first, paths):
    """Runs in a worker: the counts of `ctrmoe check` of one file."""
    files = [TypedFile.open(source, SCHEMA) for source in find_files(paths)]
    plan = plan_columns(SCHEMA, files)
    profile = TableProfile(SCHEMA, plan, shared((file.types for file in files), plan))
    profile.add_file(TypedFile.open(find_files(path)[0], SCHEMA), first)
    return profile


@pytest.fixture(scope="module")
def pool():
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def divided(tmp_path_factory):
    """Writes the table as so many files of different sizes; gives each with its first row."""
    frame, folder = table(), tmp_path_factory.mktemp("parts")

    def build(parts):
        ends = [round(ROWS * (number / parts) ** 1.5) for number in range(parts + 1)]
        paths = [str(folder / f"{parts}-{number}.parquet") for number in range(parts)]
        for path, start, end in zip(paths, ends, ends[1:], strict=False):
            frame[start:end].write_parquet(path)
        return list(zip(paths, ends, strict=False))

    return build


def merged(pool, function, arguments):
    """What the workers return, the last part first: the order must not matter."""
    parts = list(pool.map(function, *zip(*reversed(arguments), strict=True)))
    for part in parts[1:]:
        parts[0].merge(part)
    return parts[0]


@pytest.mark.parametrize("memory", [EXACT, COARSE], ids=["exact", "coarse"])
def test_ranking_of_parts_is_that_of_the_whole(pool, divided, memory):
    ((path, _),) = divided(1)
    expected = counted(path, 0, memory).tables()
    distinct = table()["user"].n_unique()

    for parts in (1, 2, 5):
        arguments = [(path, first, memory) for path, first in divided(parts)]
        found = merged(pool, counted, arguments).tables()

        assert found.keys() == {"ranking", "by_domain", "heterogeneity"}
        for name, frame in found.items():
            assert_frame_equal(frame, expected[name], check_exact=True)
        user = found["ranking"].filter(task="click", feature="user").row(0, named=True)
        assert user["cardinality_is_exact"] is (memory == EXACT)
        # The stated standard error of the estimate is 0.4 %.
        assert user["cardinality"] == pytest.approx(
            distinct, rel=0 if memory == EXACT else 3 * 0.004
        )


def test_profile_of_parts_is_that_of_the_whole(pool, divided):
    ((whole, _),) = divided(1)
    expected = statistics(Tables(SCHEMA, profiled(whole, 0, [whole])))
    exact = [name for name in expected.columns if not name.startswith("distinct")]
    distinct = table()["user"].n_unique()

    for parts in (2, 5):
        paths = [path for path, _ in divided(parts)]
        arguments = [(path, first, paths) for path, first in divided(parts)]
        found = statistics(Tables(SCHEMA, merged(pool, profiled, arguments)))

        assert_frame_equal(found.select(exact), expected.select(exact), check_exact=True)
        for column in found.iter_rows(named=True):
            if column["column"] == "user":
                assert column["distinct"] == pytest.approx(distinct, rel=3 * 0.004)
            else:
                (own,) = expected.filter(column=column["column"])["distinct"]
                assert column["distinct"] == own
