"""A client's own metrics, by version, label and signature: the server's have none of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ctrmoe.extras import check_extra

check_extra("serving", "The metrics of a client")

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram  # noqa: E402

if TYPE_CHECKING:
    from ctrmoe.serving.client.async_client import AsyncClient
    from ctrmoe.serving.client.pieces import Answer

LABELS = ("model", "version", "label")
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SCORES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class ClientMetrics:
    """Counts requests, their seconds and the probabilities that came back.

    Where a version answers that the client did not ask for by its number, gRPC says which;
    REST does not, and its version is empty.

    Args:
        registry: Of Prometheus' client library.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._requests = Counter(
            "ctrmoe_client_requests",
            "Requests, retries not counted",
            (*LABELS, "signature", "code"),
            registry=registry,
        )
        self._seconds = Histogram(
            "ctrmoe_client_request_seconds",
            "From sending to the answer, retries included",
            (*LABELS, "signature"),
            buckets=SECONDS,
            registry=registry,
        )
        self._scores = Histogram(
            "ctrmoe_client_score",
            "Probabilities; their mean is sum by count",
            (*LABELS, "task"),
            buckets=SCORES,
            registry=registry,
        )

    def observe(
        self, client: AsyncClient, signature: str, code: str, seconds: float, answer: Answer | None
    ) -> None:
        """Counts a request."""
        version = client.options.version or (answer.version if answer else None) or ""
        known = (client.model, str(version), client.options.label or "")
        self._requests.labels(*known, signature, code).inc()
        self._seconds.labels(*known, signature).observe(seconds)
        for task, scores in (answer.outputs if answer else {}).items():
            histogram = self._scores.labels(*known, task)
            for score in np.reshape(scores, -1).tolist():
                histogram.observe(score)
