import polars as pl
from pages import Page

from ctrmoe.ranking.quality import Finding, QualityReport
from ctrmoe.ranking.quality.section import findings_section, statistics_section
from ctrmoe.report import render_page


def found(*severities):
    findings = [
        Finding(check=f"c{i}", severity=s, message=f"Message {i} of <b>.", column=f"x{i}")
        for i, s in enumerate(severities)
    ]
    report = QualityReport(findings=tuple(findings), statistics=pl.DataFrame(), rows=3)
    return findings_section(report.frame())


def test_findings_are_sorted_by_severity_and_keep_their_order_within():
    section = found("note", "warning", "error", "warning")

    (table,) = section.excerpts.values()
    assert table["check"].to_list() == ["c2", "c1", "c3", "c0"]
    assert section.title == "Data quality: 1 error, 2 warnings, 1 note"
    assert "Message 2 of <b>." in Page(render_page("Page", {}, [section])).texts


def test_nothing_found_is_said():
    section = found()

    assert section.title == "Data quality: nothing found"
    assert section.text == ("No check found anything.",)
    assert section.excerpts == {}


def test_shares_of_columns_are_percentages():
    statistics = pl.DataFrame(
        {"column": ["<b>"], "coverage": [0.5], "psi": [0.123456], "rows": [9]}
    )

    page = Page(render_page("Page", {}, [statistics_section(statistics)]))

    assert [t for t in page.texts if t in ("<b>", "50.0%", "0.1235", "9")] == [
        "<b>", "50.0%", "0.1235", "9"
    ]  # fmt: skip
