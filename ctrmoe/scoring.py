"""Scores raw tables in batch: one output file for each input file, rows in the same order."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ctrmoe.ahead import ahead
from ctrmoe.data.domains import check_domains
from ctrmoe.data.encode import Encoded, raw_columns
from ctrmoe.data.parquet import AtomicParquetWriter, check_columns, column_types, read_chunks
from ctrmoe.data.sources import Origin, SourceFile, find_files
from ctrmoe.files import write_text
from ctrmoe.schema import SchemaError
from ctrmoe.scorer import SUFFIX, Scorer

CHUNK_ROWS = 32_768
PLAN = ".score.json"  # what the folder is being filled with, until all of it is there


@dataclass(slots=True)
class ScoreSummary:
    """What a scoring did.

    Args:
        rows: Rows scored.
        files: Files written.
        skipped: Files that an earlier, interrupted scoring had finished.
        seconds: From the first read to the last write.
    """

    rows: int = 0
    files: int = 0
    skipped: int = 0
    seconds: float = 0.0


def score(
    model: str | Path | Scorer,
    paths: Iterable[str | Path],
    out: str | Path,
    *,
    keep: Sequence[str] = (),
    resume: bool = False,
    on_rows: Callable[[int], None] | None = None,
) -> ScoreSummary:
    """Scores raw files with an exported model.

    Each output file has the relative name of its input file (as parquet), the kept columns and a
    float32 column `<task>_probability` for each task, one row for each input row in its order.
    A file appears when it is whole. Memory is bounded by the chunk, not by the file.

    Args:
        model: A version folder of an export, the folder above its versions, or a run folder; or
            what `Scorer.load` made of it.
        paths: Raw parquet or CSV files, globs or folders.
        out: The folder to write.
        keep: Columns to copy from the input.
        resume: Leaves files alone that an interrupted scoring with the same model and columns
            has finished.
        on_rows: Called with the number of rows of each chunk done.

    Raises:
        SchemaError: For a missing column, an output that exists, two inputs of one name, or an
            unknown domain where the schema refuses it.
    """
    start = time.perf_counter()
    scorer = model if isinstance(model, Scorer) else Scorer.load(model)
    targets = _targets(find_files(paths), Path(out), scorer, keep)
    plan = json.dumps({"model": scorer.fingerprint, "keep": list(keep)})
    todo = [(source, path) for source, path in targets if not _done(path, Path(out), plan, resume)]
    Path(out).mkdir(parents=True, exist_ok=True)
    write_text(Path(out) / PLAN, plan)
    summary = ScoreSummary(skipped=len(targets) - len(todo))
    try:
        for source, path in todo:
            for rows in _score_file(scorer, source, path, keep):
                summary.rows += rows
                if on_rows:
                    on_rows(rows)
            summary.files += 1
    except SchemaError:
        if not summary.files and not summary.skipped:
            _remove_if_empty(Path(out))
        raise
    (Path(out) / PLAN).unlink()
    summary.seconds = time.perf_counter() - start
    return summary


def _remove_if_empty(out: Path) -> None:
    (out / PLAN).unlink()
    with contextlib.suppress(OSError):  # it holds something else
        out.rmdir()


def _score_file(
    scorer: Scorer, source: SourceFile, path: Path, keep: Sequence[str]
) -> Iterator[int]:
    schema = scorer.encoder.schema

    def encoded() -> Iterator[tuple[pl.DataFrame, Encoded]]:
        row = 0
        for frame in read_chunks(source, [*raw_columns(schema), *keep], schema, CHUNK_ROWS):
            where = Origin(str(source), row)
            chunk = scorer.encoder.encode(frame, where)
            check_domains(scorer.encoder, frame, chunk.domain, where)
            yield frame, chunk
            row += frame.height

    def scored() -> Iterator[pl.DataFrame]:
        for frame, chunk in ahead(encoded()):
            yield _scored(scorer, frame, chunk, keep)

    with AtomicParquetWriter(path) as writer:
        # A file without rows gives no chunk: its output still has the columns.
        writer.write(_nothing(scorer, source, keep))
        # Three threads: one reads and encodes, one waits for the graph, this one writes.
        for table in ahead(scored(), 1):
            writer.write(table)
            yield table.height


def _nothing(scorer: Scorer, source: SourceFile, keep: Sequence[str]) -> pl.DataFrame:
    types = column_types(source, scorer.encoder.schema)
    check_columns(keep, types, str(source))
    probabilities = {task + SUFFIX: pl.Float32 for task in scorer.tasks}
    return pl.DataFrame(schema={**{name: types[name] for name in keep}, **probabilities})


def _scored(
    scorer: Scorer, frame: pl.DataFrame, chunk: Encoded, keep: Sequence[str]
) -> pl.DataFrame:
    return pl.DataFrame([*(frame[name] for name in keep), *scorer(chunk)])


def _targets(
    sources: Sequence[SourceFile], out: Path, scorer: Scorer, keep: Sequence[str]
) -> list[tuple[SourceFile, Path]]:
    taken = {task + SUFFIX for task in scorer.tasks} & set(keep)
    if taken:
        raise SchemaError(
            f"`--keep` must not name an output column. Received: {sorted(taken)}. Rename the input."
        )
    targets: dict[Path, SourceFile] = {}
    for source in sources:
        path = (out / source.relative).with_suffix(".parquet")
        if path in targets:
            raise SchemaError(
                f"{source.path} and {targets[path].path} would both be written to {path}. "
                "Score them into two folders."
            )
        if path.resolve() == Path(source.path).resolve():
            raise SchemaError(f"{path} is an input file. Choose another folder for `--out`.")
        targets[path] = source
    return [(source, path) for path, source in targets.items()]


def _done(path: Path, out: Path, plan: str, resume: bool) -> bool:
    if not path.exists():
        return False
    if not resume:
        raise SchemaError(f"{path} exists already. Add `--resume`, or choose another `--out`.")
    begun = out / PLAN
    if begun.exists() and begun.read_text(encoding="utf-8") != plan:
        raise SchemaError(
            f"{out} holds scores of another model or other columns. Choose another `--out`."
        )
    return True


def as_dict(summary: ScoreSummary) -> dict[str, float]:
    """Returns a summary as a plain dict."""
    return dataclasses.asdict(summary)
