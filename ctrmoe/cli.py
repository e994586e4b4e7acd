"""The command line: parses, calls one function a command, turns known errors into one line."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.config import Config, ConfigError
from ctrmoe.rank_command import rank
from ctrmoe.schema import Schema, SchemaError
from ctrmoe.terminal import Data, error_console, out_console

# Modules that load TensorFlow are imported inside their command, so that `--help` is quick.

app = typer.Typer(
    name="ctrmoe",
    help="Click-through-rate models from raw parquet to TensorFlow Serving and back onto parquet.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
FILE_OPTIONS = {"prepare": ("--train", "--valid", "--test"), "check": ("--against",)}
LIMIT_PASSED = 3

RunFolder = Annotated[Path, typer.Argument(help="A folder that `ctrmoe train` wrote.")]


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything the demo writes.")] = Path(
        "demo"
    ),
) -> None:
    """The whole job on the embedded sample: prepare, train, evaluate, export, score."""
    _load_tensorflow()
    from ctrmoe.demo import run_demo

    run_demo(out)


@app.command()
def infer(
    data: Data,
    out: Annotated[Path, typer.Option(help="Schema file to write.")] = Path("schema.toml"),
    label: Annotated[
        list[str] | None, typer.Option(help="A label column; repeat for several tasks.")
    ] = None,
) -> None:
    """Write a first schema from a table, with its reasons as comments."""
    from ctrmoe.data.infer import infer_schema
    from ctrmoe.files import write_text

    if out.exists():
        raise SchemaError(f"{out} exists already. Choose another `--out`.")
    text = infer_schema(data, labels=label)
    write_text(out, text)
    out_console.print(f"Wrote {out}: read its comments, correct it, then `ctrmoe prepare`.")


@app.command()
def prepare(
    schema: Annotated[Path, typer.Option(help="The schema file.")],
    train: Annotated[list[str], typer.Option(help="Raw training files; repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    valid: Annotated[list[str] | None, typer.Option(help="Raw validation files.")] = None,
    test: Annotated[list[str] | None, typer.Option(help="Raw test files.")] = None,
    split: Annotated[
        str | None, typer.Option(help="Divide --train: random:0.8,0.1,0.1 or time:0.8,0.1,0.1.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of a random split.")] = 0,
) -> None:
    """Fit vocabularies on the training part, encode every part."""
    _give_freed_memory_back()
    from ctrmoe.console import stage_progress
    from ctrmoe.data.prepare import prepare as run

    with stage_progress() as progress:
        summary = run(
            Schema.load(schema),
            train,
            valid=valid or (),
            test=test or (),
            split=split,
            seed=seed,
            out=out,
            progress=progress,
        )
    rows = ", ".join(f"{part} {count:,}" for part, count in summary.rows.items())
    out_console.print(f"Wrote {out}: {rows} rows in {summary.seconds:.1f} s.")


app.command()(rank)


@app.command()
def check(
    data: Data,
    schema: Annotated[Path, typer.Option(help="The schema file; its [limits] apply.")],
    against: Annotated[
        list[str] | None, typer.Option(help="Files of another table to compare with.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for findings, statistics and quality.html.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Look for what is wrong with a table; exits with 3 if a limit is passed."""
    from ctrmoe.console import findings_table, rows_progress
    from ctrmoe.ranking.quality import check as run

    with rows_progress("check") as progress:
        report = run(data, Schema.load(schema), against=against or (), on_rows=progress)
    if out:
        report.write(out)
    if as_json:
        print(json.dumps(report.to_dict()))
    else:
        out_console.print(findings_table(report.findings))
        rows = report.rows + report.against_rows
        out_console.print(f"Checked {rows:,} rows in {report.seconds:.1f} s.")
    if not report.passed:
        raise typer.Exit(LIMIT_PASSED)


@app.command()
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
    _give_freed_memory_back()
    _load_tensorflow()
    from ctrmoe.training import TrainingProgress
    from ctrmoe.training import train as run

    finished = run(resolved, out, resume=resume, callbacks=[TrainingProgress(out_console)])
    for name, counts in finished.pretrained.items():
        started = f"{counts['with_vector']} of {counts['values']} values"
        out_console.print(f"{name}: {started} start with a pre-trained vector.")
    best = finished.metrics["best"]
    figures = ", ".join(f"{k} {v:.4f}" for k, v in best.items() if k.startswith("valid_"))
    out_console.print(f"Wrote {out}: best epoch {best['epoch']}: {figures}.")
    for warning in finished.metrics.get("warnings", ()):
        error_console.print(f"warning: {warning}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def tune(
    config: Annotated[Path, typer.Argument(help="The TOML file of the model, with [search].")],
    trials: Annotated[int, typer.Option(help="Trainings in all, interrupted ones counted once.")],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    set: Annotated[
        list[str] | None, typer.Option(help="Override a key: a.b=c; repeatable.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the search in --out.")] = False,
    timeout: Annotated[
        float | None, typer.Option(help="Seconds after which no further trial starts.")
    ] = None,
    prune: Annotated[bool, typer.Option(help="End trials early that fall behind.")] = True,
) -> None:
    """Search for the values of config keys that give the best validation figure."""
    resolved = Config.load(config, set or ())
    _load_tensorflow()
    from ctrmoe.console import trial_line
    from ctrmoe.tuning import load_search
    from ctrmoe.tuning import tune as run

    found = run(
        resolved,
        load_search(config),
        out,
        trials=trials,
        resume=resume,
        timeout=timeout,
        prune=prune,
        on_trial=lambda trial, best: out_console.print(
            trial_line(trial, best, trials), markup=False, highlight=False, soft_wrap=True
        ),
    )
    out_console.print(
        f"Wrote {out / 'best.toml'}: trial {found.best.number} of {found.trials.height}, "
        f"valid_{resolved.train.monitor} {found.best.value:.4f}.",
        soft_wrap=True,
    )


@app.command()
def evaluate(
    run: RunFolder,
    data: Data,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for metrics.json and .csv.")] = None,
) -> None:
    """Measure a run on raw tables, per task and per domain."""
    _load_tensorflow()
    from ctrmoe.console import metrics_tables, rows_progress
    from ctrmoe.evaluation import evaluate as measure
    from ctrmoe.evaluation import write_report
    from ctrmoe.run import Run

    with rows_progress("evaluate") as progress:
        evaluator = measure(Run(run), data, on_rows=progress)
    if out:
        write_report(evaluator, out)
    if as_json:
        print(json.dumps(evaluator.result()))
    else:
        out_console.print(metrics_tables(evaluator.report()))


@app.command()
def export(
    run: RunFolder,
    to: Annotated[Path, typer.Option(help="BASE/NAME: the folder above the versions.")],
    version: Annotated[int | None, typer.Option(help="Number; the next free one if left out.")]
    = None,
) -> None:  # fmt: skip
    """Export a run as a version of a SavedModel that takes raw features."""
    _load_tensorflow()
    from ctrmoe.export import export as write
    from ctrmoe.run import Run

    folder = write(Run(run), to, version=version)
    out_console.print(f"Wrote {folder}: checked against the Keras model.")


@app.command()
def score(
    model: Annotated[Path, typer.Argument(help="An exported model or a run folder.")],
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    keep: Annotated[str, typer.Option(help="Columns to copy: a,b,c.")] = "",
    resume: Annotated[bool, typer.Option(help="Go on after an interruption.")] = False,
) -> None:
    """Score raw tables: one output file for each input file, rows in order."""
    _load_tensorflow()
    from ctrmoe.console import rows_progress
    from ctrmoe.scoring import score as run

    kept = [name for name in keep.split(",") if name]
    with rows_progress("score") as progress:
        summary = run(model, data, out, keep=kept, resume=resume, on_rows=progress)
    skipped = f", {summary.skipped} files done before" if summary.skipped else ""
    out_console.print(
        f"Wrote {out}: {summary.rows:,} rows in {summary.files} files{skipped}, "
        f"{summary.seconds:.1f} s."
    )


@app.command()
def explain(
    run: RunFolder,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    rows: Annotated[int, typer.Option(help="Most rows to draw from the data.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Of the rows and the permutations.")] = 0,
    repeats: Annotated[
        int, typer.Option(help="Permutations of each feature; 0 leaves importance out.")
    ] = 5,
    features: Annotated[str, typer.Option(help="Features to permute: a,b,c; else all.")] = "",
) -> None:
    """Show what a run looks at: importance, attention, generated features, routing."""
    from ctrmoe.extras import check_extra

    check_extra("explain")  # before TensorFlow is loaded
    _load_tensorflow()
    from ctrmoe.console import stage_progress
    from ctrmoe.explain import explain as write
    from ctrmoe.run import Run

    chosen = [name for name in features.split(",") if name] or None
    with stage_progress() as progress:
        write(
            Run(run),
            data,
            out,
            rows=rows,
            seed=seed,
            repeats=repeats,
            features=chosen,
            progress=progress,
        )
    out_console.print(f"Wrote {out}: open {out / 'index.html'}.")


def _load_tensorflow() -> None:
    """Loads TensorFlow without the notes that its libraries write to stderr at any log level."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow

        tensorflow.config.list_physical_devices()  # the search for a GPU writes notes too
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _give_freed_memory_back() -> None:
    """Chooses the system's allocator for Arrow: its own keep tens of megabytes that were freed."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; exits with 0, with 2 for what the user can mend, else with 1.

    `check` exits with 3 where a limit is passed.
    """
    # TensorFlow's notes on its own start-up would bury the commands' messages.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(format="%(levelname)s: %(message)s")
    try:
        app(args=_repeated(sys.argv[1:] if arguments is None else arguments))
    except (SchemaError, ConfigError) as error:
        sys.exit(_mendable(str(error)))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            place = error.filename or "an output"
            sys.exit(_mendable(f"The disk is full: {place} was not written. Free some space."))
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR):
            sys.exit(_mendable(f"{error.filename}: {error.strerror}. Check the path."))
        raise


def _repeated(arguments: list[str]) -> list[str]:
    """Repeats the options that take several files: `--train a b`."""
    result: list[str] = []
    option, values = "", 0
    for argument in arguments:
        if argument.startswith("-"):
            option, values = argument, 0
        elif option in FILE_OPTIONS.get(arguments[0], ()):
            values += 1
            result += [option] if values > 1 else []
        result.append(argument)
    return result


def _mendable(message: str) -> int:
    # Not through rich's markup: the message may hold brackets.
    error_console.print(f"error: {message}", markup=False, highlight=False, soft_wrap=True)
    return 2


if __name__ == "__main__":
    main()
