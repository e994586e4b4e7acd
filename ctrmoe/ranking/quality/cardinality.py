"""The number of distinct values beyond what is counted exactly."""

from __future__ import annotations

from collections import deque

import datasketches
import numpy as np

LOG_REGISTERS = 16
RELATIVE_ERROR = 1.04 / 2 ** (LOG_REGISTERS / 2)
"""Standard error of an estimate, relative to it: 0.4 %."""


class Cardinality:
    """Estimates how many distinct hashes it took: HyperLogLog with 2^16 registers, 64 KiB.

    The estimate depends on the set of the hashes alone: not on their order, nor on whether sketches
    of parts were merged.

    Reference: Flajolet et al., "HyperLogLog", 2007; the implementation is Apache DataSketches'.
    """

    def __init__(self) -> None:
        self._sketch = _sketch()

    def update(self, hashes: np.ndarray) -> None:
        """Adds uint64 hashes."""
        deque(map(self._sketch.update, hashes.view(np.int64).tolist()), maxlen=0)

    def merge(self, other: Cardinality) -> None:
        """Adds what another one took."""
        union = datasketches.hll_union(LOG_REGISTERS)
        union.update(self._sketch)
        union.update(other._sketch)
        self._sketch = union.get_result(datasketches.tgt_hll_type.HLL_8)

    def estimate(self) -> int:
        """Returns the estimate."""
        # A sketch's own estimate depends on the order of its updates, that of a union does not.
        union = datasketches.hll_union(LOG_REGISTERS)
        union.update(self._sketch)
        union.update(self._sketch)
        return round(float(union.get_estimate()))


def _sketch() -> datasketches.hll_sketch:
    return datasketches.hll_sketch(LOG_REGISTERS, datasketches.tgt_hll_type.HLL_8)
