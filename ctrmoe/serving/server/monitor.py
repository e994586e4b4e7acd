"""What models are asked and what they answer, of a sample of the batches.

TensorFlow Serving's metrics know neither versions nor domains nor values. Of a version that goes
wrong these tell whether its scores moved, or whether a feature stopped arriving.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ctrmoe.data.encode import Encoder
from ctrmoe.data.packed import DOMAIN
from ctrmoe.data.sources import UNNAMED
from ctrmoe.schema import MISSING, PADDING
from ctrmoe.scorer import ENCODER
from ctrmoe.serving.server.batch import Batch
from ctrmoe.serving.server.sampled_rows import raw_frame
from ctrmoe.serving.server.servable import Servable

logger = logging.getLogger(__name__)

MAX_ROWS = 256
SHARE = 0.03
"""Of the time that sampling may take while batches follow each other."""
MAX_PAUSE = 10.0
EDGES = np.concatenate([np.geomspace(1e-5, 0.1, 25), np.linspace(0.15, 1.0, 18)])
SCORE_LABELS = ("model_name", "version", "signature", "task", "domain")
VALUE_LABELS = ("model_name", "version", "feature", "domain")
KINDS = ("known", "unknown", "missing")
UNKNOWN_DOMAIN = "(unknown)"


class Monitor(Collector):
    """Samples batches in a thread of its own; none waits for it.

    Args:
        is_served: Tells whether a version of a model still runs: others are forgotten.
    """

    def __init__(self, is_served: Callable[[str, int], bool]) -> None:
        self._is_served = is_served
        self._scores: dict[tuple[str, ...], np.ndarray] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        self._values: dict[tuple[str, ...], np.ndarray] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._queue: queue.Queue[Batch | None] = queue.Queue(maxsize=1)
        self._thread = threading.Thread(target=self._work, name="monitor", daemon=True)
        self._thread.start()

    def add_batch(self, batch: Batch) -> None:
        """Takes a batch if it is not busy with another one."""
        try:
            self._queue.put_nowait(batch)
        except queue.Full:
            pass

    def close(self) -> None:
        """Ends when the batch that it is busy with is counted."""
        self._stop.set()
        self._queue.put(None)
        self._thread.join()

    def collect(self) -> Iterator[Metric]:
        """Gives the metrics; of a histogram follow mean and quantiles of the scores."""
        scores = HistogramMetricFamily(
            "ctrmoe_score", "Scores of a sample of the rows.", labels=SCORE_LABELS
        )
        values = CounterMetricFamily(
            "ctrmoe_values",
            "Values of a sample of the rows: in the vocabulary, not in it, missing.",
            labels=(*VALUE_LABELS, "kind"),
        )
        with self._lock:
            for labels, counts in self._scores.items():
                scores.add_metric(labels, _buckets(counts), self._sums[labels])
            for labels, counts in self._values.items():
                for kind, count in zip(KINDS, counts.tolist(), strict=True):
                    values.add_metric((*labels, kind), count)
        yield from (scores, values)

    def _work(self) -> None:
        while (batch := self._queue.get()) is not None:
            start = time.monotonic()
            try:
                self._sample(batch)
            except Exception:
                logger.exception("A batch could not be sampled.")
            del batch
            self._stop.wait(min((time.monotonic() - start) / SHARE, MAX_PAUSE))

    def _sample(self, batch: Batch) -> None:
        task = batch.tasks[0]
        count = sum(task.rows for task in batch.tasks)
        rows = np.unique(np.linspace(0, count - 1, min(count, MAX_ROWS)).astype(int))
        if not len(rows):
            return
        encoder = _encoder(task.servable)
        ids = {} if encoder is None else _ids(batch, rows, encoder)
        domains = _domains(ids.get(DOMAIN), encoder, len(rows))
        features = {feature.name for feature in encoder.schema.features} if encoder else set()
        version = (task.servable.name, str(task.servable.version))
        with self._lock:
            self._forget_what_is_gone()
            for name, scores in batch.outputs.items():
                if scores.dtype == np.float32 and scores.shape == (len(scores), 1):
                    where = (*version, task.signature.name, name)
                    self._add_scores(where, scores[rows, 0], domains)
            for name, values in ids.items():
                if encoder is not None and name in features:
                    self._add_values((*version, name), _kinds(values, name, encoder), domains)

    def _add_scores(
        self, where: tuple[str, ...], scores: np.ndarray, domains: Mapping[str, np.ndarray]
    ) -> None:
        for domain, rows in domains.items():
            labels = (*where, domain)
            places = np.searchsorted(EDGES, scores[rows])
            counts = np.bincount(places, minlength=len(EDGES) + 1)
            self._scores[labels] = self._scores.get(labels, 0) + counts
            self._sums[labels] = self._sums.get(labels, 0.0) + float(scores[rows].sum())

    def _add_values(
        self, where: tuple[str, ...], kinds: np.ndarray, domains: Mapping[str, np.ndarray]
    ) -> None:
        for domain, rows in domains.items():
            labels = (*where, domain)
            self._values[labels] = self._values.get(labels, 0) + kinds[rows].sum(axis=0)

    def _forget_what_is_gone(self) -> None:
        kept: Any
        for kept in (self._scores, self._sums, self._values):
            for labels in [key for key in kept if not self._is_served(key[0], int(key[1]))]:
                del kept[labels]


def _encoder(servable: Servable) -> Encoder | None:
    """The encoder of a model of ours, read once."""
    if "encoder" not in servable.kept:
        folder: Path = servable.folder / ENCODER
        servable.kept["encoder"] = Encoder.load(folder) if folder.is_dir() else None
    encoder: Encoder | None = servable.kept["encoder"]
    return encoder


def _ids(batch: Batch, rows: np.ndarray, encoder: Encoder) -> dict[str, np.ndarray]:
    frame = raw_frame(batch.tasks[0].signature, batch.inputs, rows, encoder)
    return {} if frame is None else encoder.arrays(frame, UNNAMED)


def _domains(ids: np.ndarray | None, encoder: Encoder | None, count: int) -> dict[str, np.ndarray]:
    """The rows of each domain; one without a name where the model has none."""
    if ids is None or encoder is None:
        return {"": np.arange(count)}
    names = encoder.domain_names
    return {
        names[number] or UNKNOWN_DOMAIN: np.flatnonzero(ids == number) for number in np.unique(ids)
    }


def _kinds(values: np.ndarray, name: str, encoder: Encoder) -> np.ndarray:
    """For each row how many values are known, unknown and missing; of a list each value counts."""
    feature = encoder.schema[name]
    values = values.reshape(len(values), -1)
    if feature.is_value:
        missing, unknown, present = (
            np.isnan(values),
            np.zeros(values.shape, bool),
            ~np.isnan(values),
        )
    else:
        first = 0  # of hashed values and of numbers in buckets none is unknown
        if feature.kind != "numeric" and not encoder.schema.owner(feature).hash_buckets:
            first = encoder.vocabularies[feature.table].first_value
        missing, present = values == MISSING, values > MISSING
        unknown = present & (values < first)
        missing[:, 0] |= (values == PADDING).all(axis=1)
    counts = [present & ~unknown, unknown, missing]
    return np.stack([kind.sum(axis=1) for kind in counts], axis=1)


def _buckets(counts: np.ndarray) -> list[tuple[str, float]]:
    limits = [*(f"{edge:.6g}" for edge in EDGES), "+Inf"]
    return list(zip(limits, np.cumsum(counts).tolist(), strict=True))
