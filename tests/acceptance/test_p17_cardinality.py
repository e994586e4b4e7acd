"""P17: the number of distinct values is right to 2 %, however many there are.

`benchmarks/check_cardinality.py` does the same for 8 and 12 million.
"""

import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.quality import check
from ctrmoe.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "name": "ids",
        "tasks": [{"name": "click"}],
        "features": [{"name": name, "kind": "categorical"} for name in ("text", "number")]
        + [{"name": "price", "kind": "numeric"}],
    }
)


@pytest.mark.parametrize("distinct", [1_000, 65_536, 65_537, 300_000])
def test_cardinality_is_right_to_two_percent(distinct, tmp_path):
    ids = np.append(np.arange(distinct), np.arange(distinct // 4))
    np.random.default_rng(3).shuffle(ids)
    frame = pl.DataFrame({"number": ids, "price": ids / 7, "click": ids % 2})
    frame = frame.with_columns(pl.format("user-{}", "number").alias("text"))
    for part in (0, 1):
        frame[part::2].write_parquet(tmp_path / f"{part}.parquet")

    statistics = check(tmp_path, SCHEMA).statistics

    for column in statistics.iter_rows(named=True):
        exact = distinct <= 65_536
        assert column["distinct"] == pytest.approx(distinct, rel=0 if exact else 0.02)
        assert (column["distinct_error"] == 0) is exact
