import numpy as np
import polars as pl
import pytest
from pages import Page

from ctrmoe.ranking import rank_tables
from ctrmoe.ranking.sections.domains import domains_section
from ctrmoe.schema import Schema

SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "domain": "place",
        "tasks": [{"name": "click"}],
        "features": [{"name": n, "kind": "categorical"} for n in ("everywhere", "<here>")],
    }
)


@pytest.fixture(scope="module")
def tables():
    random, rows = np.random.default_rng(3), 12_000
    here, everywhere, place = (random.integers(0, 2, rows) for _ in range(3))
    rate = 0.2 + 0.2 * everywhere + 0.3 * here * (place == 0)
    table = pl.DataFrame(
        {
            "everywhere": everywhere,
            "<here>": here,
            "place": pl.Series(["home", "search"])[place],
            "click": (random.random(rows) < rate).astype(int),
        }
    )
    return rank_tables(SCHEMA, table, by_domain=True)


def test_features_that_differ_come_first_with_their_effects(tables):
    section = domains_section(tables["by_domain"], tables["heterogeneity"])

    (drawing,) = section.drawings
    page = Page(drawing.markup)
    effects = {
        (feature, domain): effect
        for domain, feature, effect in tables["by_domain"]
        .select("domain", "feature", "effect")
        .iter_rows()
    }
    assert drawing.title == "click: 1 of 2 features differ between domains"
    assert [a["title"] for a in page.all("li")] == ["<here>", "everywhere"]
    told = dict(title.rsplit(": ", 1) for title in page.titles if ": " in title)
    assert len(told) == 4
    for (feature, domain), effect in effects.items():
        assert float(told[f"{feature}, {domain}"]) == pytest.approx(effect, rel=6e-3)
    assert section.tables == {name: tables[name] for name in ("by_domain", "heterogeneity")}


def test_each_line_has_colours_of_its_own(tables):
    (drawing,) = domains_section(tables["by_domain"], tables["heterogeneity"]).drawings

    cells = [a for a in Page(drawing.markup).all("rect") if "x" in a]
    assert [max(float(c["fill-opacity"]) for c in cells[i : i + 2]) for i in (0, 2)] == [1.0, 1.0]


def test_many_domains_are_drawn_in_part(tables):
    domains = pl.DataFrame({"other": [f"d{i:02d}" for i in range(40)]})
    by_domain = domains.join(tables["by_domain"].filter(domain="home"), how="cross")
    by_domain = by_domain.with_columns(domain=pl.col("other")).drop("other")

    section = domains_section(by_domain, tables["heterogeneity"])

    assert len(Page(section.drawings[0].markup).all("svg", "upright")) == 30
    assert section.text[1].endswith("Drawn are the 30 largest domains.")
