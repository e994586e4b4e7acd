import runpy
from pathlib import Path

import polars as pl

from ctrmoe.schema import Schema

FOLDER = Path(__file__).parents[2] / "datasets" / "open_bandit"
ITEMS = {"all": 3, "men": 2, "women": 4}


def write_original(folder):
    for policy in ("random", "bts"):
        for campaign, items in ITEMS.items():
            place = folder / policy / campaign
            place.mkdir(parents=True)
            affinities = ",".join(f"user-item_affinity_{i}" for i in range(items))
            log = [
                ",timestamp,item_id,position,click,propensity_score,user_feature_0,user_feature_1,"
                f"user_feature_2,user_feature_3,{affinities}"
            ]
            for row in range(items):
                # The affinity to item i is 10 i, so that of the item shown says which it was.
                shown = ",".join(f"{10.0 * i}" for i in range(items))
                log.append(
                    f"{row},2019-11-24 00:00:0{row}.5+00:00,{items - 1 - row},{1 + row % 3},"
                    f"{int(row == 1)},{1 if row else 0.25},u0,u1,u2,u3,{shown}"
                )
            (place / f"{campaign}.csv").write_text("\n".join(log) + "\n")
            context = [",item_id,item_feature_0,item_feature_1,item_feature_2,item_feature_3"]
            context += [f"{i},{i},{i - 1},{campaign}{i},b,c" for i in range(items)]
            (place / "item_context.csv").write_text("\n".join(context) + "\n")


def test_prepare_joins_items_and_the_affinity_to_the_item_shown(tmp_path):
    write_original(tmp_path / "in")

    recipe = runpy.run_path(str(FOLDER / "prepare.py"))
    recipe["main"]([str(tmp_path / "in"), "--out", str(tmp_path / "out")])

    table = pl.read_parquet(tmp_path / "out" / "impressions.parquet")
    assert table.height == 2 * sum(ITEMS.values())
    assert table.select("policy", "campaign").unique(maintain_order=True).rows() == [
        (policy, campaign) for policy in ("random", "bts") for campaign in ITEMS
    ]
    assert table.row(0, named=True) == {
        "timestamp": "2019-11-24 00:00:00.5+00:00", "item_id": "all_2", "position": 1, "click": 0,
        "propensity_score": 0.25, "user_feature_0": "u0", "user_feature_1": "u1",
        "user_feature_2": "u2", "user_feature_3": "u3", "user_item_affinity": 20.0,
        "campaign": "all", "policy": "random", "item_feature_0": 1.0, "item_feature_1": "all2",
        "item_feature_2": "b", "item_feature_3": "c",
    }  # fmt: skip
    women = table.filter(pl.col("campaign") == "women", pl.col("policy") == "bts")
    assert women["item_id"].to_list() == ["women_3", "women_2", "women_1", "women_0"]
    assert women["user_item_affinity"].to_list() == [30.0, 20.0, 10.0, 0.0]
    assert women["item_feature_1"].to_list() == ["women3", "women2", "women1", "women0"]
    schema = Schema.load(FOLDER / "schema.toml")
    used = {feature.name for feature in schema.features} | {"click", schema.timestamp}
    assert set(table.columns) - used == {"propensity_score", "policy"}
