"""Calibrates a run on labelled rows that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ctrmoe.ahead import ahead
from ctrmoe.calibration import METHODS, Calibration, LogitMap
from ctrmoe.calibration.calibration import FILE
from ctrmoe.calibration.logit_map import Floats, Positives
from ctrmoe.config import ConfigError
from ctrmoe.data.labelled import labelled_chunks
from ctrmoe.data.sources import find_files
from ctrmoe.metrics import expected_calibration_error, logloss, pcoc
from ctrmoe.run import Run
from ctrmoe.schema import UNLABELLED
from ctrmoe.strict import suggestion

MIN_ROWS = 100  # of each class
MIN_CLICKS = 1000
DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class _Rows:
    """The labelled rows of a task; `domain` has no entries where there are none."""

    positives: Positives
    logits: Floats
    domain: np.ndarray

    @property
    def smaller_class(self) -> int:
        clicks = int(self.positives.sum())
        return min(clicks, self.positives.size - clicks)

    def of_domain(self, domain: int) -> _Rows:
        rows = self.domain == domain
        return _Rows(self.positives[rows], self.logits[rows], self.domain[rows])


def calibrate(
    run: Run,
    paths: Iterable[str | Path],
    *,
    method: str = "platt",
    by: str = "",
    min_clicks: int = MIN_CLICKS,
    overwrite: bool = False,
    on_rows: Callable[[int], None] | None = None,
) -> Calibration:
    """Fits a map from logits to calibrated logits for each task and writes it into the run.

    From then on it is part of every probability of the run: of `evaluate`, `score` and exports.

    Args:
        run: A finished run.
        paths: Raw parquet or CSV files, globs or folders, with labels.
        method: A key of `METHODS`.
        by: `domain` gives a domain with enough rows a map of its own; every other row, of missing
            and unknown domains too, has that of all rows.
        min_clicks: Rows of each class of a task that a domain needs for a map of its own.
        overwrite: Takes the place of an earlier calibration.
        on_rows: Called with the number of rows of each chunk done.

    Returns:
        The calibration, with the figures before and after on the rows of the fit.

    Raises:
        ConfigError: If the run is calibrated already, an option is unknown, the schema has no
            domain, a task has too few rows of a class, or `min_clicks` is below 100.
        SchemaError: If the data can't be read or has no labels.
    """
    _check(run, method, by, overwrite)
    if min_clicks < MIN_ROWS:
        raise ConfigError(
            f"`--min-clicks` must be {MIN_ROWS} or more: fewer rows tell more of chance than of "
            f"the model. Received: {min_clicks}."
        )
    paths = list(paths)
    rows = _read(run, paths, on_rows)
    names = run.encoder.domain_names if by else []
    maps = {task: _fit(method, task, rows[task]) for task in run.tasks}
    domains = {task: _fit_domains(method, rows[task], names, min_clicks) for task in run.tasks}
    found = Calibration(method=method, maps=maps, domains=domains)
    fitted = {
        "by": by or None,
        "min_clicks": min_clicks if by else None,
        "data": sorted(str(source.relative) for source in find_files(paths)),
        "tasks": {task: _figures(found, task, rows[task], names) for task in run.tasks},
    }
    calibration = Calibration(method=method, maps=maps, domains=domains, fitted=fitted)
    calibration.save(run.folder)
    return calibration


def remove_calibration(run: Run) -> None:
    """Takes the calibration off a run.

    Raises:
        ConfigError: If it has none.
    """
    if run.calibration is None:
        raise ConfigError(f"{run.folder} must be calibrated. Received: no {FILE} in it.")
    (run.folder / FILE).unlink()


def _check(run: Run, method: str, by: str, overwrite: bool) -> None:
    if method not in METHODS:
        raise ConfigError(
            f"`--method` must be one of {sorted(METHODS)}. Received: {method!r}."
            f"{suggestion(method, METHODS)}"
        )
    if by not in ("", DOMAIN):
        raise ConfigError(f"`--by` must be 'domain' or left out. Received: {by!r}.")
    if by and not run.schema.domain:
        raise ConfigError(
            "`--by domain` needs a schema with a domain. Received: none in the schema of "
            f"{run.folder}. Leave `--by` out."
        )
    if run.calibration is not None and not overwrite:
        raise ConfigError(
            f"{run.folder} is calibrated already. Add `--overwrite`, or take the calibration off "
            "with `--remove`."
        )


def _read(
    run: Run, paths: list[str | Path], on_rows: Callable[[int], None] | None
) -> dict[str, _Rows]:
    parts: dict[str, list[tuple[np.ndarray, ...]]] = {task: [] for task in run.tasks}
    for frame, encoded, labels in ahead(labelled_chunks(run.encoder, paths)):
        logits = run.shifted_logits(encoded)
        domain = np.empty(0, np.int32) if encoded.domain is None else encoded.domain
        for task, column in labels.items():
            known = column != UNLABELLED
            ids = domain[known] if domain.size else domain
            parts[task].append((column[known] == 1, logits[task][known], ids))
        if on_rows:
            on_rows(frame.height)
    return {task: _join(chunks) for task, chunks in parts.items()}


def _join(chunks: list[tuple[np.ndarray, ...]]) -> _Rows:
    if not chunks:
        return _Rows(np.empty(0, bool), np.empty(0), np.empty(0, np.int32))
    positives, logits, domain = map(np.concatenate, zip(*chunks, strict=True))
    return _Rows(positives, logits.astype(np.float64), domain)


def _fit(method: str, task: str, rows: _Rows) -> LogitMap:
    if rows.smaller_class < MIN_ROWS:
        clicks = int(rows.positives.sum())
        raise ConfigError(
            f"The data must hold {MIN_ROWS} rows or more of each label of task `{task}`. "
            f"Received: {clicks:,} of label 1, {rows.positives.size - clicks:,} of label 0. "
            "Give more data."
        )
    return METHODS[method](rows.logits, rows.positives)


def _fit_domains(
    method: str, rows: _Rows, names: list[str | None], min_clicks: int
) -> dict[str, LogitMap]:
    maps = {}
    for domain, name in enumerate(names):
        own = rows.of_domain(domain)
        if name is not None and own.smaller_class >= min_clicks:
            maps[name] = METHODS[method](own.logits, own.positives)
    return maps


def _figures(
    calibration: Calibration, task: str, rows: _Rows, names: list[str | None]
) -> Mapping[str, Any]:
    ids = rows.domain if names else None
    after = calibration.logits(task, rows.logits, ids, names)
    return {
        "rows": rows.positives.size,
        "positives": int(rows.positives.sum()),
        "before": _of(rows.positives, rows.logits),
        "after": _of(rows.positives, after),
    }


def _of(positives: Positives, logits: Floats) -> dict[str, float | None]:
    return {
        "logloss": logloss(positives, logits),
        "ece": expected_calibration_error(positives, logits),
        "pcoc": pcoc(positives, logits),
    }
