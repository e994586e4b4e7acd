"""Worker of `beside_deepctr.py`: DeepCTR's model, in an environment of its own."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import clocks
import deepctr
import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from deepctr.feature_column import SparseFeat
from deepctr.models import FGCNN, AutoInt

CHUNK_ROWS = 65_536


class Ticks(tf.keras.callbacks.Callback):
    """Notes the start of every step."""

    def __init__(self, clock: clocks.StepClock) -> None:
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.clock.tick()


def read(folder: Path) -> dict[str, np.ndarray]:
    table = pq.read_table(sorted(folder.glob("*.parquet")))
    return {name: table[name].to_numpy() for name in table.column_names}


def build(name: str, sizes: dict[str, int]) -> Any:
    columns = [
        SparseFeat(column, vocabulary_size=size, embedding_dim=16) for column, size in sizes.items()
    ]
    common = {"dnn_hidden_units": (256, 128, 64), "l2_reg_linear": 0, "l2_reg_embedding": 0}
    if name == "fgcnn":
        model = FGCNN(
            columns,
            columns,
            conv_kernel_width=(7, 7, 7, 7),
            conv_filters=(14, 16, 18, 20),
            new_maps=(3, 3, 3, 3),
            pooling_width=(2, 2, 2, 2),
            **common,
        )
    else:
        model = AutoInt(
            columns,
            columns,
            att_layer_num=3,
            att_embedding_size=8,
            att_head_num=2,
            att_res=True,
            **common,
        )
    model.compile(tf.keras.optimizers.Adam(1e-3), "binary_crossentropy", jit_compile=False)
    return model


def score(model: Any, names: list[str], folder: Path, out: Path, batch_size: int) -> int:
    """Scores parquet to parquet, chunk by chunk, and returns the number of rows."""
    rows = 0
    columns = pa.schema([("row_id", pa.int64()), ("score", pa.float32())])
    with pq.ParquetWriter(out, columns) as writer:
        for path in sorted(folder.glob("*.parquet")):
            file = pq.ParquetFile(path)
            for batch in file.iter_batches(batch_size=CHUNK_ROWS, columns=[*names, "row_id"]):
                inputs = {name: batch.column(name).to_numpy() for name in names}
                scores = model.predict(inputs, batch_size=batch_size, verbose=0).ravel()
                writer.write_table(pa.table([batch.column("row_id"), scores], schema=columns))
                rows += len(scores)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    args = parser.parse_args()
    sizes = json.loads((args.data / "sizes.json").read_text())
    train, valid = read(args.data / "train"), read(args.data / "valid")
    model, clock = build(args.model, sizes), clocks.StepClock(args.batch_size)
    model.fit(
        {name: train[name] for name in sizes},
        train["label"],
        batch_size=args.batch_size,
        shuffle=False,
        verbose=0,
        callbacks=[Ticks(clock)],
    )
    train_peak = clocks.peak_gb()
    inputs = {name: valid[name] for name in sizes}
    scores = model.predict(inputs, batch_size=args.batch_size, verbose=0).ravel()
    with tempfile.TemporaryDirectory() as folder, clocks.stopwatch() as times:
        out = Path(folder) / "scores.parquet"
        rows = score(model, list(sizes), args.data / "train", out, args.batch_size)
    figures = {
        **clock.figures(),
        "train_peak_gb": train_peak,
        "valid_auc": auc(valid["label"], scores),
        "score_rows_s": rows / times["wall"],
        "score_rows_cpu_s": rows / times["cpu"],
    }
    versions = {
        "deepctr": deepctr.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }
    clocks.report(figures, versions)


def auc(label: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve; ties count half."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = int(label.sum())
    pairs = positives * (len(label) - positives)
    return float((ranks[label > 0].sum() - positives * (positives + 1) / 2) / pairs)


if __name__ == "__main__":
    main()
