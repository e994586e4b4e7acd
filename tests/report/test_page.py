import polars as pl
import pytest
from pages import Page

from ctrmoe.explain.plots import bars
from ctrmoe.report.markup import tag
from ctrmoe.report.page import render_page
from ctrmoe.report.section import Drawing, Plot, Section

ODD = "<script>alert('x')</script> & \"Ünïcode\" {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def page():
    png = bars(["a"], [("drop", [1.0], [0.5], [1.5])], "t")
    frame = pl.DataFrame(
        {"feature": [ODD, "b"], "auc_drop": [0.12345, None], "rows": [1234, 5], "low": [-1e-9, 2.0]}
    )
    section = Section(
        name="findings",
        title="Findings",
        text=("Read this.",),
        plots=(Plot("plot", f"A plot of {ODD}", png),),
        tables={"importance": frame},
        excerpts={f"All of {ODD}": frame},
    )
    return Page(render_page(f"Run {ODD}", {"rows": "7", ODD: ODD}, [section]))


def test_page_is_well_formed_and_needs_no_network(page):
    page.assert_needs_no_network()
    assert len(page.all("script")) == 1


def test_names_are_shown_as_they_are(page):
    assert page.texts.count(ODD) == 3  # in the facts twice, in the table
    assert f"Run {ODD}" in page.texts
    (image,) = page.all("img")
    assert image["alt"] == f"A plot of {ODD}"
    assert int(image["width"]) > 200


def test_numbers_are_short_and_whole_tables_are_named(page):
    for text in ("0.1235", "–", "1,234", "0.0000", "2.0000", "auc drop"):
        assert text in page.texts
    assert "-0.0000" not in page.source
    assert any("importance.parquet, importance.csv." in text for text in page.texts)


def shown(frame, **options):
    section = Section("numbers", "Numbers", (), excerpts={"All": frame}, **options)
    return Page(render_page("Page", {}, [section]))


def test_column_has_a_format_of_its_own():
    page = shown(pl.DataFrame({"p": [1.5e-9], "q": [0.25]}), formats={"p": ".1e"})

    assert "1.5e-09" in page.texts
    assert "0.2500" in page.texts


def test_truth_is_told_in_words():
    page = shown(pl.DataFrame({"above": [True, False]}))

    assert page.texts.count("yes") == page.texts.count("no") == 1


def test_figures_texts_and_sentences_have_styles_of_their_own():
    page = shown(pl.DataFrame({"a": [1], "b": ["short"], "c": ["long " * 20], "d": [None]}))

    assert [a.get("class") for a in page.all("td")] == [None, "text", "text long", "text"]


def test_short_table_is_open_and_a_long_one_is_folded_and_searched():
    short, long = (shown(pl.DataFrame({"a": range(rows)})) for rows in (30, 31))

    assert short.all("details") == short.all("input") == []
    assert "All, 31 rows" in long.texts
    assert [a["aria-label"] for a in long.all("input")] == ["Search in: All"]
    assert len(long.all("tr")) == 32


def test_rows_of_a_table_are_bounded():
    page = shown(pl.DataFrame({"a": range(1_001)}))

    assert "All, the first 1,000 of 1,001 rows" in page.texts
    assert len(page.all("tr")) == 1_001


def test_drawing_is_part_of_the_page():
    drawing = Drawing(ODD, tag("svg", tag("text", ODD)), is_small=True)
    page = Page(render_page("Page", {}, [Section("s", "S", (), drawings=(drawing,))]))

    assert page.texts.count(ODD) == 2
    assert len(page.all("div", "drawing small")) == 1
