"""Size of `saved_model.pb`, and time to load, of a model with a vocabulary of a million values.

python benchmarks/export_size.py            # half a minute
python benchmarks/export_size.py --record   # writes results/
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import clocks

os.environ.update(clocks.worker_environment())

import polars as pl
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.export import export
from ctrmoe.export.session import served_session
from ctrmoe.run import METRICS, MODEL, Run
from ctrmoe.schema import Schema

CONFIG = Path(__file__).parents[1] / "pipelines" / "configs" / "dnn.toml"
RESULT = Path(__file__).parent / "results" / "export_size.md"
SCHEMA = {
    "name": "large",
    "tasks": [{"name": "click"}],
    "features": [{"name": "user_id", "kind": "categorical"}],
}


def exported(values: int, folder: Path) -> tuple[Path, float]:
    """An export of an untrained model, and the seconds that it took."""
    users = pl.select(user_id=pl.format("user_{}", pl.int_range(values)))
    encoder = Encoder.fit(Schema.from_dict(SCHEMA), users)
    run = Run.create(folder / "run", Config.load(CONFIG, ["data.prepared=none"]), encoder)
    run.build_model().save(run.folder / MODEL)
    (run.folder / METRICS).write_text("{}")
    with clocks.stopwatch() as times:
        written = export(Run(run.folder), folder / "model")
    return written, times["wall"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--record", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, seconds = exported(args.values, Path(name))
        graph = (folder / "saved_model.pb").stat().st_size
        assets = sum(path.stat().st_size for path in (folder / "assets").iterdir())
        with clocks.stopwatch() as loaded:
            tf.saved_model.load(str(folder))
        with clocks.stopwatch() as in_session, served_session(folder):
            pass
    text = "\n\n".join(
        (
            "# A vocabulary of a million values in an export",
            f"One feature of {args.values:,} texts, rows of 16 numbers. The export, self-check and "
            f"all, took {seconds:.1f} s.",
            "\n".join(
                (
                    "| | |",
                    "|---|---:|",
                    f"| `saved_model.pb` | {graph / 1e6:.2f} MB |",
                    f"| vocabulary, as an asset | {assets / 1e6:.1f} MB |",
                    f"| `tf.saved_model.load` | {loaded['wall']:.2f} s |",
                    f"| in a session | {in_session['wall']:.2f} s |",
                )
            ),
            f"Machine: {clocks.machine()}; {clocks.THREADS} threads, "
            f"1-minute load {os.getloadavg()[0]:.1f}. TensorFlow {tf.__version__}.",
            f"Command: `python benchmarks/export_size.py --values {args.values} --record`",
        )
    )
    print(text)
    if args.record:
        RESULT.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
