import numpy as np
import polars as pl
import pytest
from pages import Page

from ctrmoe.ranking import rank_combinations
from ctrmoe.ranking.page import ranking_page
from ctrmoe.ranking.quality import Finding, QualityReport
from ctrmoe.ranking.ranking import ranked
from ctrmoe.ranking.scores import SCORES
from ctrmoe.schema import Schema

BYTES_OF_A_THOUSAND_FEATURES = 700_000


@pytest.fixture
def ranking(row):
    def build(features, **options):
        rows = [
            row(f"<f{i}>", 0.3 / (i + 1), 1e-9 if i < 40 else 0.5, **options)
            for i in range(features)
        ]
        return ranked(rows, "corrected_mi", SCORES["corrected_mi"], 0.05)

    return build


def page(**tables):
    return Page(ranking_page(tables, "<shop>", score="corrected_mi", level=0.05))


def sections(page):
    return [attributes["id"] for attributes in page.all("section")]


def test_only_parts_with_a_table_are_there(ranking, row):
    findings = QualityReport(findings=(), statistics=pl.DataFrame(), rows=1).frame()
    control = row("control:unique", 0.0, 0.9, is_control=True)
    controls = ranked([row("a", 0.1, 0.0), control], "mi", SCORES["mi"], 0.05)

    assert sections(page(ranking=ranking(2))) == ["ranking"]
    assert sections(page(ranking=ranking(2), findings=findings)) == ["ranking", "findings"]
    assert sections(page(ranking=controls)) == ["ranking", "controls"]


def test_parts_are_in_the_order_of_the_tables_that_there_are(ranking):
    pairs = pl.DataFrame({"feature_a": ["a"], "feature_b": ["b"], "redundancy": [0.5]})

    assert sections(page(ranking=ranking(2), redundancy=pairs)) == ["ranking", "redundancy"]
    assert "Order of 3MR" not in page(ranking=ranking(2), redundancy=pairs).texts


def test_all_that_can_be_ranked_is_on_the_page():
    random, rows = np.random.default_rng(0), 6_000
    a, b, place = (random.integers(0, 2, rows) for _ in range(3))
    rate = 0.2 + 0.4 * (a ^ b) + 0.1 * place
    table = pl.DataFrame({"a": a, "b": b, "place": place, "time": np.arange(rows)})
    table = table.with_columns(click=pl.Series((random.random(rows) < rate).astype(int)))
    schema = Schema.from_dict(
        {
            "name": "shop",
            "domain": "place",
            "timestamp": "time",
            "tasks": [{"name": "click"}],
            "features": [{"name": n, "kind": "categorical"} for n in ("a", "b", "place")],
        }
    )

    tables = rank_combinations(
        schema,
        table,
        order=2,
        three_mr=True,
        given=["place"],
        forward=1,
        by_domain=True,
        time_slices=2,
        controls=True,
        values=True,
        check=True,
    )

    found = page(**tables)
    found.assert_needs_no_network()
    assert sections(found) == [
        "ranking", "distributions", "combinations", "redundancy", "conditional", "domains", "time",
        "controls", "findings",
    ]  # fmt: skip
    assert "click: 1 of 3 combinations tell more than their parts" in found.texts
    assert "a × b" in found.texts


def test_page_says_what_was_ranked(ranking):
    found = page(ranking=ranking(3))

    assert "Features of <shop>" in found.texts
    for fact in ("3", "10", "corrected_mi: mutual information above chance, in nats"):
        assert fact in found.texts
    assert "3 for click" in found.texts


def test_names_are_texts_and_nothing_comes_from_the_network(ranking):
    finding = Finding(check="psi", severity="error", message="<script>x</script>", column="<b>")
    findings = QualityReport(findings=(finding,), statistics=pl.DataFrame(), rows=1).frame()

    found = page(ranking=ranking(3), findings=findings)

    found.assert_needs_no_network()
    assert len(found.all("script")) == 1
    assert "<script>x</script>" in found.texts
    assert found.texts.count("<f0>") == 2  # beside its point and in the table


def test_thousand_features_are_drawn_in_part_and_listed_within_a_bound(ranking):
    found = page(ranking=ranking(1_000))

    assert len(found.all("circle")) == 35
    assert len(found.all("tr")) == 1_001
    assert len(found.source) < BYTES_OF_A_THOUSAND_FEATURES
