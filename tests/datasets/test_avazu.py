import datetime
import runpy
from pathlib import Path

import polars as pl

from ctrmoe.schema import Schema

FOLDER = Path(__file__).parents[2] / "datasets" / "avazu"
HEADER = (
    "id,click,hour,C1,banner_pos,site_id,site_domain,site_category,app_id,app_domain,app_category,"
    "device_id,device_ip,device_model,device_type,device_conn_type,C14,C15,C16,C17,C18,C19,C20,C21"
)
# Ids are beyond 64 bits, hashes can look like whole numbers or like 1e10.
ROW = (
    "{id},{click},{hour},1005,0,1fbe01fe,85751813,0028905e07,ecad2386,7801e8d9,07d7df22,a99f214a,"
    "ddd2926e,44956a24,1,2,15706,320,50,1722,0,35,-1,79"
)


def test_prepare_takes_the_hour_apart_and_keeps_hashes_as_text(tmp_path):
    hours = [14102100, 14102523, 14103007]
    rows = [
        ROW.format(id=10**19 + 10**20 * i, click=int(i % 3 == 0), hour=hours[i % 3])
        for i in range(60)
    ]
    (tmp_path / "train.csv").write_text("\n".join([HEADER, *rows]) + "\n")

    recipe = runpy.run_path(str(FOLDER / "prepare.py"))
    recipe["main"]([str(tmp_path / "train.csv"), "--out", str(tmp_path / "out")])

    parts = {
        p: pl.read_parquet(tmp_path / "out" / f"{p}.parquet") for p in ("train", "valid", "test")
    }
    assert {part: table.height for part, table in parts.items()} == {
        "train": 48, "valid": 6, "test": 6,
    }  # fmt: skip
    table = pl.concat(parts.values()).unique("timestamp").sort("timestamp")
    assert table.select("timestamp", "hour", "weekday", "click").rows() == [
        (datetime.datetime(2014, 10, 21, 0), 0, 2, 1),
        (datetime.datetime(2014, 10, 25, 23), 23, 6, 0),
        (datetime.datetime(2014, 10, 30, 7), 7, 4, 0),
    ]
    assert "id" not in table.columns
    assert table.row(0, named=True) | {"timestamp": None, "click": None} == {
        "click": None, "C1": 1005, "banner_pos": 0, "site_id": "1fbe01fe",
        "site_domain": "85751813", "site_category": "0028905e07", "app_id": "ecad2386",
        "app_domain": "7801e8d9", "app_category": "07d7df22", "device_id": "a99f214a",
        "device_ip": "ddd2926e", "device_model": "44956a24", "device_type": 1,
        "device_conn_type": 2, "C14": 15706, "C15": 320, "C16": 50, "C17": 1722, "C18": 0,
        "C19": 35, "C20": -1, "C21": 79, "timestamp": None, "hour": 0, "weekday": 2,
    }  # fmt: skip
    schema = Schema.load(FOLDER / "schema.toml")
    used = {f.name for f in schema.features} | {schema.domain, schema.timestamp, "click"}
    assert used == set(table.columns)
