"""What `ctrmoe check` returns and writes."""

from __future__ import annotations

import dataclasses
import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from ctrmoe.data.atomic import atomic_file
from ctrmoe.data.parquet import AtomicParquetWriter
from ctrmoe.ranking.quality.finding import Finding
from ctrmoe.ranking.quality.section import findings_section, statistics_section
from ctrmoe.report import render_page

_FINDING_TYPES = {
    "severity": pl.String,
    "check": pl.String,
    "column": pl.String,
    "value": pl.Float64,
    "limit": pl.Float64,
    "message": pl.String,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityReport:
    """What was found in a table.

    Args:
        findings: The most severe first.
        statistics: A row for each column of each table.
        rows: Rows of the data.
        against_rows: Rows of the other table.
        seconds: How long it took.
    """

    findings: tuple[Finding, ...]
    statistics: pl.DataFrame
    rows: int
    against_rows: int = 0
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether no limit is passed: there is no finding but notes."""
        return all(finding.severity == "note" for finding in self.findings)

    def frame(self) -> pl.DataFrame:
        """Returns the findings as a table."""
        records = [dataclasses.asdict(finding) for finding in self.findings]
        return pl.DataFrame(records, schema=_FINDING_TYPES)

    def to_dict(self) -> dict[str, Any]:
        """Returns the object that `--json` prints."""
        return {
            "rows": self.rows,
            "against_rows": self.against_rows,
            "passed": self.passed,
            "findings": self.frame().to_dicts(),
        }

    def write(self, folder: Path) -> None:
        """Writes `findings.json`, `findings.csv`, `statistics.parquet` and `quality.html`.

        The files appear when all of them are complete.

        Raises:
            SchemaError: When the disk is full or the folder can't be written to.
        """
        texts = {
            "findings.json": json.dumps(self.to_dict(), indent=2),
            "findings.csv": self.frame().write_csv(),
            "quality.html": self.page(),
        }
        with ExitStack() as stack:
            for name, text in texts.items():
                path = stack.enter_context(atomic_file(folder / name))
                path.write_text(text, encoding="utf-8")
            writer = AtomicParquetWriter(folder / "statistics.parquet")
            stack.enter_context(writer).write(self.statistics)

    def page(self) -> str:
        """Renders the findings, the most severe first, and the statistics as one page."""
        facts = {"rows": f"{self.rows:,}"}
        if self.against_rows:
            facts["rows of the other table"] = f"{self.against_rows:,}"
        facts["limits"] = "none is passed" if self.passed else "some are passed"
        sections = [findings_section(self.frame()), statistics_section(self.statistics)]
        return render_page("Quality of the data", facts, sections)
