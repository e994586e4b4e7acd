import numpy as np
import polars as pl
import pytest

from ctrmoe.data.sources import UNNAMED, find_files
from ctrmoe.ranking.domains import Domains, find_domains
from ctrmoe.schema import Schema, SchemaError


def schema(domain="country"):
    return Schema.from_dict(
        {
            "name": "shop",
            "domain": domain,
            "tasks": [{"name": "click"}],
            "features": [{"name": "shop", "kind": "categorical"}],
        }
    )


def table(counts):
    return pl.DataFrame({"country": [name for name, rows in counts.items() for _ in range(rows)]})


def test_domains_of_enough_rows_are_found_and_the_others_named(tmp_path, caplog):
    counts = {"de": 30, "si": 50, "at": 30, "": 2, "li": 9, "mt": 8}
    table(counts)[::2].write_parquet(tmp_path / "a.parquet")
    table(counts)[1::2].write_parquet(tmp_path / "b.parquet")

    domains = find_domains(find_files(tmp_path), schema(), min_rows=30, chunk_rows=7)

    assert domains.table["domain"].to_list() == ["si", "at", "de"]
    assert caplog.messages == [
        "2 rows without a domain are in no ranking by domain.",
        "Left out of the ranking by domain, with fewer than 30 rows each: li, mt.",
    ]


def test_rows_are_assigned_to_the_domains_that_are_known():
    frame = pl.DataFrame({"country": ["b", None, "a", "c", "", "b"]})

    assert Domains("country", ["a", "b"]).assign(frame, UNNAMED).tolist() == [1, -1, 0, -1, -1, 1]


def test_domains_may_be_numbers():
    frame = pl.DataFrame({"country": [7.0, 3.0, None]})

    domains = find_domains(find_files(frame), schema(), min_rows=1)

    assert domains.table["domain"].to_list() == ["3", "7"]
    assert domains.assign(frame, UNNAMED).tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    ("frame", "domain", "message"),
    [
        (table({"a": 3}), "", "`domain` must be named in the schema to rank by domain"),
        (table({"a": 3, "b": 9}), "country", "A domain must have 10 rows .* at most 9 in column"),
        (
            pl.DataFrame({"country": np.arange(70_000)}),
            "country",
            "Domain `country` must have at most 65,536 values",
        ),
    ],
)
def test_what_can_not_be_divided_by_domain(frame, domain, message):
    with pytest.raises(SchemaError, match=message):
        find_domains(find_files(frame), schema(domain), min_rows=10)
