"""Explains a run: tables, plots and a page in one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import polars as pl

from ctrmoe.config import ConfigError
from ctrmoe.data.parquet import AtomicParquetWriter, atomic_folder
from ctrmoe.data.sources import Table
from ctrmoe.explain.attention_section import attention_section
from ctrmoe.explain.generated_section import generated_section
from ctrmoe.explain.importance_section import importance_section
from ctrmoe.explain.routing_section import routing_section
from ctrmoe.explain.sample import Sample, read_sample
from ctrmoe.extras import check_extra
from ctrmoe.metrics import auc
from ctrmoe.report.page import render_page
from ctrmoe.report.section import Section
from ctrmoe.run import Run

PAGE = "index.html"


def explain(
    run: Run,
    data: Table | Iterable[Table],
    out: str | Path,
    *,
    rows: int = 10_000,
    seed: int = 0,
    repeats: int = 5,
    features: Sequence[str] | None = None,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> dict[str, pl.DataFrame]:
    """Writes what a run looks at into a folder, which appears when it is complete.

    `index.html` joins everything. Beside it lie the pictures, and each table as parquet and CSV:
    `attention` of an interaction that attends, `generated_features` of FGCNN, `routing` and others
    of a mixture's routers, `importance` of the features of any model. The same arguments give the
    same bytes.

    Args:
        run: A finished run.
        data: Raw parquet or CSV files, globs, folders or frames.
        out: Folder to write, which must be empty or not exist.
        rows: Most rows to draw from the data.
        seed: Of the rows drawn and of the permutations.
        repeats: Permutations of each feature; 0 leaves importance out, and needs no labels.
        features: Features to permute; all of them where it is None.
        progress: Called with the stage, the rows done and their number if it is known.

    Returns:
        The tables by name.

    Raises:
        ConfigError: If matplotlib is not installed, or a number is out of range.
        SchemaError: If the data does not fit, a feature is unknown or `out` holds something.
    """
    check_extra("explain")
    for name, value in (("seed", seed), ("repeats", repeats)):
        if value < 0:
            raise ConfigError(f"`{name}` must not be negative. Received: {name}={value}.")
    with atomic_folder(out) as folder:
        sample = read_sample(run, data, rows=rows, seed=seed, labels=repeats > 0, on_rows=progress)
        # Another kind of finding is another of these functions.
        found = (
            importance_section(
                run, sample, repeats=repeats, seed=seed, features=features, progress=progress
            ),
            routing_section(run, sample, progress),
            attention_section(run, sample, progress),
            generated_section(run, sample, progress),
        )
        sections = [section for section in found if section]
        _write(folder, sections)
        page = render_page(f"What {run.folder.name} looks at", _facts(run, sample, seed), sections)
        (folder / PAGE).write_text(page, encoding="utf-8")
    return {name: table for section in sections for name, table in section.tables.items()}


def _write(folder: Path, sections: Sequence[Section]) -> None:
    for section in sections:
        for plot in section.plots:
            (folder / f"{plot.name}.png").write_bytes(plot.png)
        for name, table in section.tables.items():
            with AtomicParquetWriter(folder / f"{name}.parquet") as writer:
                writer.write(table)
            table.write_csv(folder / f"{name}.csv")


def _facts(run: Run, sample: Sample, seed: int) -> dict[str, str]:
    kind = run.config.model.interaction.get("kind", "none")
    facts = {
        "interaction": str(kind),
        "data set": run.schema.name,
        "features": f"{len(run.schema.features)}",
        "rows": f"{len(sample):,} (seed {seed})",
    }
    logits = run.predictor(sample.encoded) if sample.labels else {}
    for task in sample.labels:
        chosen = sample.labelled(task)
        labels = sample.labels[task][chosen] == 1
        area = auc(labels, logits[task][chosen])
        figure = "one class only" if area is None else f"AUC {area:.4f}"
        facts[task] = f"{figure}, {labels.sum():,} positives of {len(labels):,}"
    return facts
