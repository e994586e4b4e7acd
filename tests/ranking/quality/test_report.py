import json

import polars as pl
import pytest
from pages import Page

from ctrmoe.ranking.quality import Finding, QualityReport
from ctrmoe.schema import SchemaError

WARNING = Finding(
    check="psi", severity="warning", message="Drift.", column="x", value=0.5, limit=0.2
)
NOTE = Finding(check="columns", severity="note", message="More columns.")
ERROR = Finding(check="labels", severity="error", message="No labels.")


def report(*findings):
    return QualityReport(findings=findings, statistics=pl.DataFrame({"column": ["x"]}), rows=3)


def test_notes_pass():
    assert report().passed
    assert report(NOTE).passed
    assert not report(NOTE, WARNING).passed


def test_most_severe_findings_sort_first():
    assert sorted([NOTE, WARNING, ERROR], key=lambda f: f.order) == [ERROR, WARNING, NOTE]


def test_files_hold_the_findings(tmp_path):
    report(WARNING, NOTE).write(tmp_path / "new" / "out")

    folder = tmp_path / "new" / "out"
    written = json.loads((folder / "findings.json").read_text())
    assert written["passed"] is False
    assert written["findings"][0] == {
        "severity": "warning",
        "check": "psi",
        "column": "x",
        "value": 0.5,
        "limit": 0.2,
        "message": "Drift.",
    }
    table = pl.read_csv(folder / "findings.csv")
    assert table["check"].to_list() == ["psi", "columns"]
    assert table["value"].to_list() == [0.5, None]
    assert pl.read_parquet(folder / "statistics.parquet")["column"].to_list() == ["x"]
    page = Page((folder / "quality.html").read_text())
    page.assert_needs_no_network()
    assert [attributes["id"] for attributes in page.all("section")] == ["findings", "columns"]
    for text in ("Data quality: 1 warning, 1 note", "Drift.", "some are passed", "3"):
        assert text in page.texts


def test_report_is_written_again(tmp_path):
    report(WARNING).write(tmp_path)
    report().write(tmp_path)

    assert json.loads((tmp_path / "findings.json").read_text())["findings"] == []
    assert pl.read_csv(tmp_path / "findings.csv").height == 0


def test_place_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("taken")

    with pytest.raises(SchemaError, match="findings.json can't be written: File exists. Choose"):
        report().write(tmp_path / "out")


def test_nothing_is_written_where_one_file_can_not_be(tmp_path):
    (tmp_path / "statistics.parquet").mkdir()

    with pytest.raises(SchemaError, match="statistics.parquet can't be written"):
        report(WARNING).write(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["statistics.parquet"]
