from html.parser import HTMLParser

import polars as pl
import pytest

from ctrmoe.explain.page import render_page
from ctrmoe.explain.plots import bars
from ctrmoe.explain.section import Plot, Section

ODD = "<script>alert('x')</script> & \"Ünïcode\" {{ 7 * 7 }}"


class Reader(HTMLParser):
    """The tags of a page, its texts, and whether every tag that opens closes."""

    def __init__(self):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


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
    reader = Reader()
    reader.text = render_page(f"Run {ODD}", {"rows": "7", ODD: ODD}, [section])
    reader.feed(reader.text)
    return reader


def test_page_is_well_formed_and_needs_no_network(page):
    assert page.open == []
    assert {tag for tag, _ in page.tags} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "dl", "dt", "dd",
        "nav", "a", "section", "figure", "div", "img", "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip
    for _, attributes in page.tags:
        assert attributes.get("src", "data:image/png;base64,").startswith("data:image/png;base64,")
        assert attributes.get("href", "#").startswith("#")
    assert "url(" not in page.text and "@import" not in page.text


def test_names_are_shown_as_they_are(page):
    assert page.texts.count(ODD) == 3  # in the facts twice, in the table
    assert f"Run {ODD}" in page.texts
    (image,) = (attributes for tag, attributes in page.tags if tag == "img")
    assert image["alt"] == f"A plot of {ODD}"
    assert int(image["width"]) > 200


def test_numbers_are_short_and_whole_tables_are_named(page):
    for text in ("0.1235", "–", "1,234", "0.0000", "2.0000", "auc drop"):
        assert text in page.texts
    assert "-0.0000" not in page.text
    assert any("importance.parquet, importance.csv." in text for text in page.texts)
