"""What an exported model is made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ctrmoe.config import ConfigError

BATCH_BUCKETS = (1, 8, 32, 128, 512)


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """What an exported model is made for.

    Args:
        batch_buckets: Batch sizes that are warmed up, ascending: the `allowed_batch_sizes` of a
            server that batches requests.

    Raises:
        ConfigError: If an option is none of the above.
    """

    batch_buckets: Sequence[int] = BATCH_BUCKETS

    def __post_init__(self) -> None:
        buckets = tuple(self.batch_buckets)
        object.__setattr__(self, "batch_buckets", buckets)
        if not buckets or buckets[0] < 1 or list(buckets) != sorted(set(buckets)):
            raise ConfigError(
                "`batch_buckets` must be ascending whole numbers from 1 on. Received: "
                f"{', '.join(map(str, buckets)) or 'none'}."
            )
