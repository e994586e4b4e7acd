import numpy as np
import polars as pl

from ctrmoe.data.lists import Values
from ctrmoe.data.spill import Spill


def test_chunks_come_back_in_order_and_leave_nothing_behind(tmp_path):
    chunk = {
        "part:": Values(pl.Series([1, 2, 3], dtype=pl.Int64)),
        "code": Values(pl.Series([4, None, 2**32 - 2], dtype=pl.UInt32)),
        "integer": Values(pl.Series([None, -(2**63), 7], dtype=pl.Int64)),
        "hashed": Values(pl.Series([2, 3, 1], dtype=pl.Int32)),
        "tags": Values(pl.Series([1, 2, 3], dtype=pl.UInt32), np.array([0, 2, 1])),
        "empty": Values(pl.Series([], dtype=pl.Int64), np.array([0, 0, 0])),
        "price": np.array([1.5, np.nan, -0.0], np.float32),
    }
    labels = {"click": np.array([0, 1, -1], np.int8)}
    spill = Spill(tmp_path / "spill")
    spill.write(chunk, labels, np.array([0, 1, 2], np.int8))
    spill.write({"code": Values(pl.Series([9], dtype=pl.Int64))}, {}, np.zeros(1, np.int8))

    (columns, clicks, parts), (other, _, _) = list(spill.read())

    assert spill.rows == 4
    assert list(tmp_path.iterdir()) == []
    assert columns.keys() == chunk.keys()
    for name, column in chunk.items():
        if name == "price":
            np.testing.assert_array_equal(columns[name], column)
            continue
        assert columns[name].values.dtype == column.values.dtype
        assert columns[name].values.to_list() == column.values.to_list()
        if column.lengths is not None:
            assert columns[name].lengths.tolist() == column.lengths.tolist()
    assert clicks["click"].tolist() == [0, 1, -1]
    assert parts.tolist() == [0, 1, 2]
    assert other["code"].values.dtype == pl.Int64
