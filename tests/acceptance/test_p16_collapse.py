"""P16: experts do not collapse silently."""

import numpy as np
import polars as pl
import pytest

from ctrmoe.cli import main

SCHEMA = """
name = "two-clusters"
domain = "placement"
[[tasks]]
name = "click"
[[features]]
name = "placement"
kind = "categorical"
[[features]]
name = "item"
kind = "categorical"
[[features]]
name = "page"
kind = "categorical"
"""
CONFIG = """
seed = 1
[model]
towers = "experts"
[model.embedding]
dim = 8
[model.experts]
kind = "product"
units = [8]
{experts}
[model.router]
kind = "cluster"
{router}
[train]
epochs = 2
batch_size = 128
learning_rate = 0.01
"""
# What public re-implementations do: with small embeddings all centres become one.
LITERAL = """
temperature = 1.0
normalise = false
normalise_batch = false
update = "iteration"
start = "random"
rescue = false
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Rows of two clusters, 40 % and 60 %, that have items and pages of their own."""
    random = np.random.default_rng(16)
    cluster = (random.random(4_000) < 0.6).astype(int)
    item, page = random.integers(0, 10, (2, 4_000))
    # What an item or a page is worth is the opposite in the other cluster.
    logit = (2 * cluster - 1) * ((item - 4.5) + (page - 4.5)) / 3
    frame = pl.DataFrame(
        {
            "placement": np.array(["feed", "story", "search", "mail"])[
                2 * np.where(random.random(4_000) < 0.9, cluster, 1 - cluster)
                + random.integers(0, 2, 4_000)
            ],
            "item": item + 10 * cluster,
            "page": page + 10 * cluster,
            "click": (random.random(4_000) < 1 / (1 + np.exp(-logit))).astype(np.int8),
        }
    )
    folder = tmp_path_factory.mktemp("clusters")
    frame.write_parquet(folder / "rows.parquet")
    (folder / "schema.toml").write_text(SCHEMA)
    call("prepare", "--schema", folder / "schema.toml", "--train", folder / "rows.parquet",
         "--split", "random:0.8,0.2", "--out", folder / "prepared")  # fmt: skip
    return folder


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert not ended.value.code


def train_and_explain(folder, out, capsys, **parts):
    """Trains by the command line; returns its warnings, the loads by the report, and the page."""
    (out / "model.toml").write_text(CONFIG.format(**parts))
    options = ["--set", f"data.prepared={folder / 'prepared'}"]
    call("train", out / "model.toml", "--out", out / "run", *options)
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning: " in line]
    rows = folder / "rows.parquet"
    call("explain", out / "run", rows, "--out", out / "explained", "--repeats", 0)
    load = pl.read_csv(out / "explained" / "routing_load.csv")
    page = (out / "explained" / "index.html").read_text(encoding="utf-8")
    return warnings, load, page


@pytest.mark.parametrize("num_experts", [2, 4])
def test_p16_default_cluster_router_uses_its_experts(folder, tmp_path, capsys, num_experts):
    experts = f"num_experts = {num_experts}"

    warnings, load, page = train_and_explain(folder, tmp_path, capsys, experts=experts, router="")

    whole = load.filter(pl.col("domain").is_null())["load"]
    assert len(whole) == num_experts
    assert 0.01 < whole.min() and whole.max() < 0.95
    assert warnings == []
    assert "mixture/router_0: No expert is dead" in page


def test_p16_collapse_is_reported(folder, tmp_path, capsys):
    warnings, load, page = train_and_explain(
        folder, tmp_path, capsys, experts="num_experts = 4", router=LITERAL
    )

    whole = load.filter(pl.col("domain").is_null())["load"]
    assert whole.max() > 0.95
    assert any("warning: mixture/router_0: The router has collapsed" in line for line in warnings)
    assert any("are dead: less than 0.01 of the load" in line for line in warnings)
    assert "The router has collapsed: expert" in page
