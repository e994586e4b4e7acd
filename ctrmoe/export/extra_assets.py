"""What lies beside an exported graph: the manifest, warm-up requests, golden answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ctrmoe.export.accuracy import measure_accuracy
from ctrmoe.export.golden import write_golden
from ctrmoe.export.manifest import write_manifest
from ctrmoe.export.options import ExportOptions
from ctrmoe.export.requests import request
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.served_model import COMPUTE, precision_of
from ctrmoe.export.serving_module import ServingModule
from ctrmoe.export.session import Arrays, ServedSession
from ctrmoe.export.warmup import write_warmup
from ctrmoe.run import Run
from ctrmoe.scorer import SIGNATURE

GOLDEN_ROWS = 8


class ExtraAssets:
    """Writes the files of `assets.extra`.

    Args:
        run: What is exported.
        module: What was saved.
        options: What the model is made for.
    """

    def __init__(self, run: Run, module: ServingModule, options: ExportOptions) -> None:
        self._run = run
        self._module = module
        self._options = options
        self._schema, self._shared = module.raw.served, module.columns.shared

    def write_manifest(self, folder: Path, place: Path) -> None:
        """Writes the manifest of a SavedModel that will lie at another place."""
        run, module, options = self._run, self._module, self._options
        domain = run.schema.domain
        accuracy = self._accuracy(folder)
        served = {
            "domain": domain if domain in module.raw.signature else None,
            "signatures": [*module.outputs, SIGNATURE],
            "batch_buckets": list(options.batch_buckets),
            "candidate_columns": list(module.columns.own),
            "shared_columns": list(module.columns.shared),
            "compile": "xla" if options.jit else "none",
            "compute_dtype": COMPUTE[precision_of(run, options)],
            "tables": options.tables,
            "tpu_ready": options.tpu_ready,
            "quantization": {"kind": options.quantize, **module.tables.sizes(), **accuracy}
            if options.quantize
            else None,
            "accuracy": accuracy or None,
            "calibration": run.calibration.summary() if run.calibration else None,
        }
        write_manifest(folder, run, place, served)

    def _accuracy(self, folder: Path) -> dict[str, Any]:
        """What rounding costs, where something is rounded and there are rows to tell."""
        options = self._options
        if not options.holdout or not (options.quantize or options.bfloat16):
            return {}
        return measure_accuracy(self._run, folder, options.holdout, options.max_auc_loss)

    def write_warmup(self, folder: Path, model: str) -> None:
        """Writes a request of each bucket for each signature of raw rows."""
        buckets, signatures = self._options.batch_buckets, self._module.outputs
        rows = sample_rows(self._run.encoder, buckets[-1], full=True)

        def requests() -> Iterator[tuple[str, str, Arrays]]:
            for size in buckets:
                for signature in signatures:
                    inputs = request(signature, rows.head(size), self._schema, self._shared)
                    yield signature, self._module.methods.get(signature, "predict"), inputs

        write_warmup(folder, model, requests(), len(buckets) * len(signatures))

    def write_golden(self, folder: Path, session: ServedSession) -> None:
        """Writes requests of Predict signatures with the loaded model's answers."""
        rows = sample_rows(self._run.encoder, GOLDEN_ROWS, seed=1, full=True)
        predicted = [name for name in self._module.outputs if name not in self._module.methods]
        requests = {name: request(name, rows, self._schema, self._shared) for name in predicted}
        write_golden(folder, requests, session)
