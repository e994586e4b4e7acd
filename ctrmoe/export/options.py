"""What an exported model is made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ctrmoe.config import ConfigError

BATCH_BUCKETS = (1, 8, 32, 128, 512)
MAX_BUCKET = 65_536
"""A version holds warm-up requests of so many rows at most, which a server answers at its start."""
MAX_AUC_LOSS = 0.0005


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """What an exported model is made for.

    Args:
        batch_buckets: Batch sizes that are warmed up, ascending: the `allowed_batch_sizes` of a
            server that batches requests.
        quantize: `int8` keeps the rows of tables as int8, each with a scale; "" as float32.
        holdout: Raw labelled files, globs or folders that tell what rounding costs.
        max_auc_loss: Largest difference that rounding may make to a task's AUC there.
        tables: `cpu` places tables and the encoding of raw rows on the CPU and leaves the dense
            part unplaced, for a server with an accelerator; `auto` leaves all of it unplaced.
        candidates: Raw columns that vary by candidate, for the signature `serve_candidates`; none
            for no such signature.
        jit: Whether XLA compiles what follows the lookups of raw values, for each bucket; other
            sizes are padded to one. The server needs XLA.
        bfloat16: Whether the dense part computes in bfloat16; weights, the last logit and the
            probability stay float32.
        tpu_ready: Whether the part that TensorFlow Serving's TPU converter moves is saved under
            the alias `core`. Not tested on hardware.

    Raises:
        ConfigError: If an option is none of the above.
    """

    batch_buckets: Sequence[int] = BATCH_BUCKETS
    quantize: str = ""
    holdout: Sequence[str | Path] = ()
    max_auc_loss: float = MAX_AUC_LOSS
    tables: str = "auto"
    candidates: Sequence[str] = ()
    jit: bool = False
    bfloat16: bool = False
    tpu_ready: bool = False

    def __post_init__(self) -> None:
        buckets = tuple(self.batch_buckets)
        object.__setattr__(self, "batch_buckets", buckets)
        object.__setattr__(self, "candidates", tuple(self.candidates))
        ascending = list(buckets) == sorted(set(buckets))
        if not buckets or not ascending or buckets[0] < 1 or buckets[-1] > MAX_BUCKET:
            raise ConfigError(
                f"`batch_buckets` must be ascending whole numbers from 1 to {MAX_BUCKET}. "
                f"Received: {', '.join(map(str, buckets)) or 'none'}."
            )
        if self.quantize not in ("", "int8"):
            raise ConfigError(f"`quantize` must be 'int8' or ''. Received: {self.quantize!r}.")
        if self.quantize and not self.holdout:
            raise ConfigError(
                "`quantize` needs labelled rows that tell what it costs. Received: no holdout. "
                "Give files with `--holdout`."
            )
        if not self.max_auc_loss >= 0:
            raise ConfigError(
                f"`max_auc_loss` must not be negative. Received: {self.max_auc_loss}."
            )
        if self.tables not in ("auto", "cpu"):
            raise ConfigError(f"`tables` must be 'auto' or 'cpu'. Received: {self.tables!r}.")
        if self.jit and self.tables == "cpu":
            raise ConfigError(
                "`jit` compiles the reads of tables with the rest: `tables` must be 'auto'. "
                "Received: 'cpu'."
            )
