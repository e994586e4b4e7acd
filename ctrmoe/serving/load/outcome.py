"""What came of a load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True, slots=True)
class Sample:
    """A request.

    Args:
        due: Second at which it was to be sent.
        end: Second at which its answer was there.
        code: `OK`, or what went wrong.
    """

    due: float
    end: float
    code: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Latencies of all requests of a load, and how many rows were answered in what time.

    Args:
        samples: In any order.
        rows: Of a request.
        seconds: From the first request's due time to the last answer.
    """

    samples: Sequence[Sample]
    rows: int
    seconds: float

    @property
    def errors(self) -> dict[str, int]:
        """Requests that failed, by what went wrong."""
        codes = Counter(sample.code for sample in self.samples)
        del codes["OK"]
        return dict(codes)

    @property
    def rows_s(self) -> float:
        """Rows answered in a second."""
        return (len(self.samples) - sum(self.errors.values())) * self.rows / self.seconds

    def milliseconds(self, quantile: float) -> float:
        """Returns a quantile of the latency of all requests, failed ones too."""
        latencies = [sample.end - sample.due for sample in self.samples]
        # Of few requests the highest quantiles are the slowest request, not less.
        return float(np.quantile(latencies, quantile, method="higher")) * 1e3

    def figures(self) -> dict[str, Any]:
        """Returns all figures by name."""
        latencies = {f"{name}_ms": self.milliseconds(q) for name, q in QUANTILES.items()}
        return {
            "requests": len(self.samples),
            "failed": sum(self.errors.values()),
            "errors": self.errors,
            "seconds": self.seconds,
            "requests_s": len(self.samples) / self.seconds,
            "rows_s": self.rows_s,
            **latencies,
            "max_ms": self.milliseconds(1.0),
        }
