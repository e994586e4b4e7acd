"""INFNet without each of its parts: test AUC of every task over several seeds, size and speed.

    python benchmarks/infnet_ablation.py PREPARED… --out DIR            # goes on where it was
    python benchmarks/infnet_ablation.py PREPARED… --out DIR --record   # writes results/ as well

PREPARED are folders that `ctrmoe prepare` wrote, with a test part. Every variant trains the named
config `infnet` with the same settings, which are not tuned; its best epoch is chosen on the
validation part and the test part is read once. DIR keeps the runs and their figures.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import clocks
import keras
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.data.encoded import read_encoded
from ctrmoe.files import write_text
from ctrmoe.model import build_model
from ctrmoe.training import compile_model, train, training_feed, validate

HERE = Path(__file__).parent
CONFIG = HERE.parent / "pipelines" / "configs" / "infnet.toml"
RESULT = HERE / "results" / "infnet_ablation.md"
VARIANTS = {
    "full": "[]",
    "no task tokens": "['task_tokens']",
    "no gated units": "['gated_units']",
    "no cross-attention": "['cross_attention']",
}
TIMED_STEPS, ROUNDS = 8, 5


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("prepared", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="of the config")
    parser.add_argument("--record", action="store_true")
    return parser.parse_args()


def config_of(variant: str, prepared: Path, settings: Sequence[str]) -> Config:
    without = f"model.interaction.without={VARIANTS[variant]}"
    return Config.load(CONFIG, [f"data.prepared={prepared}", *settings, without])


def final_figures(config: Config, folder: Path) -> dict[str, Any]:
    """Figures of one run, trained unless an earlier call did."""
    kept = folder.with_suffix(".json")
    if not kept.is_file():
        run = train(config, folder, resume=True)
        test = validate(run.predictor, Path(config.data.prepared) / "test", run.schema)
        tasks = {task: test[f"valid_{task}_auc"] for task in run.tasks}
        keys = ("parameters", "best_epoch", "epochs", "seconds")
        figures = {"auc": tasks, **{key: run.metrics[key] for key in keys}}
        write_text(kept, json.dumps(figures, indent=2))
        keras.backend.clear_session()
    return json.loads(kept.read_text(encoding="utf-8"))


def speeds(prepared: Path, settings: Sequence[str]) -> dict[str, dict[str, float]]:
    """Rows/s of a training step and of a prediction; the variants take turns."""
    calls: dict[str, list[Callable[[], Any]]] = {}
    encoder = Encoder.load(prepared)
    rows = 0
    for variant in VARIANTS:
        config = config_of(variant, prepared, settings)
        rows = config.train.batch_size
        model = build_model(encoder.schema, config, fields=encoder.fields())
        model = compile_model(model, config, encoder.schema, steps=1_000)
        model.optimizer.build(model.trainable_variables)
        batch = next(iter(training_feed(config, prepared, encoder.schema).batches()))
        tensors = tf.nest.map_structure(tf.constant, batch)
        step = tf.function(lambda *data, model=model: model.train_step(data))
        predict = tf.function(lambda inputs, model=model: model(inputs, training=False))
        calls[variant] = [
            lambda step=step, tensors=tensors: step(*tensors),
            lambda predict=predict, tensors=tensors: predict(tensors[0]),
        ]
        for call in calls[variant]:
            call()
    return {
        variant: dict(zip(("train", "score"), (rows / t for t in times), strict=True))
        for variant, times in _median_seconds(calls).items()
    }


def _median_seconds(calls: dict[str, list[Callable[[], Any]]]) -> dict[str, list[float]]:
    found: dict[str, list[list[float]]] = {name: [[] for _ in of] for name, of in calls.items()}
    for _ in range(ROUNDS):
        for name, of in calls.items():
            for number, call in enumerate(of):
                start = time.perf_counter()
                for _ in range(TIMED_STEPS):
                    call()
                found[name][number].append((time.perf_counter() - start) / TIMED_STEPS)
    return {name: [statistics.median(times) for times in of] for name, of in found.items()}


def table(runs: dict[str, list[dict[str, Any]]], rows_s: dict[str, dict[str, float]]) -> str:
    """A line for each variant: median [least – greatest] of the seeds."""
    tasks = list(next(iter(runs.values()))[0]["auc"])
    heads = ["variant", *(f"test AUC {task}" for task in tasks)]
    heads += ["parameters", "training rows/s", "scoring rows/s"]
    lines = ["| " + " | ".join(heads) + " |", "|---" + "|---:" * (len(heads) - 1) + "|"]
    for variant, seeds in runs.items():
        cells = [_spread([seed["auc"][task] for seed in seeds]) for task in tasks]
        cells += [f"{seeds[0]['parameters']:,}"]
        cells += [f"{rows_s[variant][key]:,.0f}" for key in ("train", "score")]
        lines.append(f"| {variant} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.4f} [{min(values):.4f} – {max(values):.4f}]"


def section(prepared: Path, args: argparse.Namespace) -> str:
    """Trains what is not there, and returns the table of one data set."""
    encoder = Encoder.load(prepared)
    name = encoder.schema.name
    runs: dict[str, list[dict[str, Any]]] = {variant: [] for variant in VARIANTS}
    for seed in args.seeds:
        for variant in VARIANTS:
            config = config_of(variant, prepared, [*args.set, f"seed={seed}"])
            folder = args.out / name / f"{variant.replace(' ', '_')}_{seed}"
            runs[variant].append(final_figures(config, folder))
            print(name, variant, seed, json.dumps(runs[variant][-1]), flush=True)
    rows = {
        part: sum(len(encoded.ids) for encoded, _ in read_encoded(prepared / part, encoder.schema))
        for part in ("train", "valid", "test")
    }
    counted = ", ".join(f"{part} {count:,}" for part, count in rows.items())
    return f"## {name}\n\nRows: {counted}.\n\n" + table(runs, speeds(prepared, args.set))


def main() -> None:
    args = arguments()
    sections = [section(prepared, args) for prepared in args.prepared]
    settings = " ".join(args.set)
    text = "\n\n".join(
        [
            "# INFNet without its parts",
            f"Median [range] of the seeds {', '.join(map(str, args.seeds))}; the same settings "
            "for every variant, none tuned. Rows/s of bare steps and predictions on one batch in "
            f"memory, variants in turns, load average {os.getloadavg()[0]:.1f}.",
            *sections,
            f"Machine: {clocks.machine()}. TensorFlow {tf.__version__}, Keras {keras.__version__}.",
            "Command: `python benchmarks/infnet_ablation.py PREPARED… --out DIR --seeds "
            f"{' '.join(map(str, args.seeds))}{f' --set {settings}' if settings else ''} --record`",
        ]
    )
    print(text)
    if args.record:
        RESULT.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
