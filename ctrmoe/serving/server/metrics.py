"""Counts and times of requests, under TensorFlow Serving's names and by version besides."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator

from grpc import StatusCode
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ctrmoe.serving.server.batch import Batch

PATH = "/monitoring/prometheus/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = ":tensorflow:serving:"
_MICROSECONDS = [10 * 1.8**power for power in range(33)]
_POWERS = [2.0**power for power in range(15)]
_SECONDS = [1e-4 * 2**power for power in range(16)]


class _PlainCounts(Collector):
    """A counter whose name does not end in `_total`, as the ones of TensorFlow Serving."""

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._counts: Tally[tuple[str, ...]] = Tally()

    def add(self, *labels: str) -> None:
        self._counts[labels] += 1

    def collect(self) -> Iterator[Metric]:
        metric = Metric(self._name, self._text, "untyped")
        for labels, count in sorted(self._counts.copy().items()):
            metric.add_sample(self._name, dict(zip(self._labels, labels, strict=True)), count)
        yield metric


class ServerMetrics:
    """What `/monitoring/prometheus/metrics` shows of requests and batches."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = _PlainCounts(
            f"{_PREFIX}request_count", "The total number of requests.", ("model_name", "status")
        )
        self.registry.register(self._requests)
        self._latency = self._histogram(
            f"{_PREFIX}request_latency",
            "Distribution of wall time (in microseconds) for Tensorflow Serving request.",
            ("model_name", "API", "entrypoint"),
            _MICROSECONDS,
        )
        self._runtime = self._histogram(
            f"{_PREFIX}runtime_latency",
            "Distribution of wall time (in microseconds) for Tensorflow runtime.",
            ("model_name", "API", "runtime"),
            _MICROSECONDS,
        )
        self._queuing = self._histogram(
            f"{_PREFIX}batching_session:queuing_latency",
            "Distribution of wall time spent (in microseconds) in queuing",
            (),
            _MICROSECONDS,
        )
        self._sizes = self._histogram(
            f"{_PREFIX}batching_session:processed_batch_size",
            "Tracks the batch size distribution on processing.",
            (),
            _POWERS,
        )
        self._padding = self._histogram(
            f"{_PREFIX}batching_session:padding_size",
            "Tracks the padding size distribution on batches.",
            ("execution_batch_size",),
            _POWERS,
        )
        self._warmups = self._histogram(
            f"{_PREFIX}model_warmup_latency",
            "Distribution of wall time (in microseconds) for warming up the model.",
            ("model_path", "status"),
            _MICROSECONDS,
        )
        version = ("model_name", "version", "signature")
        self._rows = Counter(
            "ctrmoe_rows", "Rows that were scored.", version, registry=self.registry
        )
        self._batches = self._histogram(
            "ctrmoe_batch_seconds", "Time that the graph took.", version, _SECONDS
        )

    def _histogram(
        self, name: str, text: str, labels: tuple[str, ...], buckets: list[float]
    ) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

    def page(self) -> bytes:
        """Returns all metrics in Prometheus's text form."""
        return generate_latest(self.registry)

    def count(self, model: str, status: StatusCode) -> None:
        """Counts a request; `model` must be one of those that are served, or empty."""
        self._requests.add(model, status.name)

    def time(self, model: str, api: str, entrypoint: str, seconds: float) -> None:
        """Times a request that was answered."""
        self._latency.labels(model, api, entrypoint).observe(seconds * 1e6)

    def time_warmup(self, path: str, status: str, seconds: float) -> None:
        """Times the warm-up of a version."""
        self._warmups.labels(path, status).observe(seconds * 1e6)

    def add_batch(self, batch: Batch) -> None:
        """Counts what ran together."""
        first, rows = batch.tasks[0], sum(task.rows for task in batch.tasks)
        version = (first.servable.name, str(first.servable.version), first.signature.name)
        self._rows.labels(*version).inc(rows)
        self._batches.labels(*version).observe(batch.seconds)
        self._runtime.labels(first.servable.name, "Predict", "TF1").observe(batch.seconds * 1e6)
        self._sizes.observe(rows + batch.padding)
        if batch.padding:
            self._padding.labels(str(rows + batch.padding)).observe(batch.padding)
        for task in batch.tasks:
            self._queuing.observe((batch.started - task.arrived) * 1e6)
