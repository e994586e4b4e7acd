import numpy as np
import polars as pl
import pytest

from ctrmoe.explain import explain
from ctrmoe.explain.routing_section import routing_section


@pytest.fixture(scope="module")
def section(make_run, sample):
    return routing_section(make_run("mixture"), sample)


def test_tables_count_each_row_of_the_sample(section, sample):
    load = section.tables["routing_load"]

    whole = load.filter(pl.col("domain").is_null())
    sums = whole.group_by("router").agg(pl.col("load", "choices").sum())
    assert sums["router"].sort().to_list() == ["mixture/router_0", "mixture/router_1"]
    np.testing.assert_allclose(sums.select("load", "choices"), 1)
    rows = load.filter(router="mixture/router_0", expert=0).drop_nulls("domain")
    names, counts = np.unique(sample.domains.astype(str), return_counts=True)
    assert dict(rows.select("domain", "rows").iter_rows()) == dict(
        zip(names.tolist(), counts.tolist(), strict=True)
    )
    assert rows["rows"].is_sorted(descending=True)
    # The loads over all rows are those of the domains, weighted by their rows.
    mean = (rows["rows"] * rows["load"]).sum() / len(sample)
    assert mean == pytest.approx(whole.filter(router="mixture/router_0", expert=0)["load"].item())


def test_pictures_join_the_routers_of_a_mixture(section):
    assert [plot.name for plot in section.plots] == [
        "routing_mixture_load",
        "routing_mixture_load_by_domain",
        "routing_mixture_coactivation",
    ]
    assert set(section.tables) == {"routing", "routing_load", "routing_coactivation"}


def test_clusters_show_their_centres(make_run, sample):
    run = make_run("clusters")

    section = routing_section(run, sample)

    assert section.plots[-1].name == "routing_mixture_router_0_centres"
    centres = np.asarray(run.model.get_layer("mixture").routers[0].scorer.centres)
    table = section.tables["routing_centres"]
    cosine = table.filter(expert=0, other=2)["cosine"].item()
    assert cosine == pytest.approx(float(centres[0] @ centres[2]), abs=1e-5)
    # Each row has one expert: nothing is active together.
    assert "routing_coactivation" not in section.tables


def test_text_names_the_collapsed_router_and_the_dead(make_run, sample):
    run = make_run("mixture")
    scorer = run.model.get_layer("mixture").routers[1].scorer
    before = [np.array(weight) for weight in scorer.weights]
    scorer.weights[-1].assign([50.0, 25.0, 0.0, 0.0])

    text = routing_section(run, sample).text

    for weight, value in zip(scorer.weights, before, strict=True):
        weight.assign(value)
    own = [line for line in text if line.startswith("mixture/router_1: ")]
    assert own == [
        "mixture/router_1: The router has collapsed: expert 0 has 100.0% of the load.",
        "mixture/router_1: Experts 1, 2, 3 are dead: less than 0.01 of the load.",
    ]
    assert any(line.startswith("mixture/router_0: ") for line in text)


def test_where_the_domain_decides_there_is_nothing_to_draw(make_run, sample):
    section = routing_section(make_run("star"), sample)

    assert section.text[-1] == (
        "mixture/router_0: Each row has a single expert to choose, by its domain."
    )
    assert section.plots == ()


def test_a_model_without_routers(make_run, sample):
    assert routing_section(make_run("fm"), sample) is None


def test_page_and_folder_hold_the_routing(make_run, test_rows, tmp_path):
    tables = explain(make_run("clusters"), test_rows, tmp_path / "out", rows=100, repeats=0)

    assert {"routing", "routing_load", "routing_centres"} <= set(tables)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"routing.csv", "routing_load.csv", "routing_mixture_load.png"} <= names
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'id="routing"' in page and "mixture/router_0" in page
