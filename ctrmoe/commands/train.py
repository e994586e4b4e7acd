"""`ctrmoe train`: a run folder from a config."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import give_freed_memory_back, load_tensorflow
from ctrmoe.config import Config
from ctrmoe.terminal import out_console, say, warn

FEW_STEPS = 100


def train(
    config: Annotated[Path, typer.Argument(help="The TOML file of the model.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    set: Annotated[
        list[str] | None, typer.Option(help="Override a key: a.b=c; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on after an interruption.")] = False,
    warm_start: Annotated[
        Path | None, typer.Option(help="Start from the weights of this finished run.")
    ] = None,
) -> None:
    """Train a model on a prepared folder."""
    overrides = [f"train.warm_start={json.dumps(str(warm_start))}"] if warm_start else []
    resolved = Config.load(config, [*(set or ()), *overrides])
    give_freed_memory_back()
    load_tensorflow()
    from ctrmoe.run import MODEL
    from ctrmoe.training import TrainingProgress
    from ctrmoe.training import train as run

    before = (out / MODEL).is_file()
    finished = run(resolved, out, resume=resume, callbacks=[TrainingProgress(out_console)])
    for name, counts in finished.pretrained.items():
        started = f"{counts['with_vector']} of {counts['values']} values"
        say(f"{name}: {started} start with a pre-trained vector.")
    best = finished.metrics["best"]
    figures = ", ".join(f"{k} {v:.4f}" for k, v in best.items() if k.startswith("valid_"))
    for warning in finished.metrics.get("warnings", ()):
        warn(warning)
    done = "was finished already" if before else "holds the run"
    say(f"{out} {done}: best epoch {best['epoch']}: {figures or 'no valid part to measure on'}.")
    steps = finished.metrics["steps"]
    if steps < FEW_STEPS:
        say(
            f"It took {steps} steps of {resolved.train.batch_size} rows, few to learn from: lower "
            "`train.batch_size`, or raise `train.epochs`."
        )
    say(f"Next: ctrmoe evaluate {out} DATA, then ctrmoe export {out} --to models/NAME")
