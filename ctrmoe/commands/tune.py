"""`ctrmoe tune`: a search over config keys."""

# Modules that load TensorFlow or read data are imported inside, so that `--help` is quick.

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ctrmoe.commands.start import load_tensorflow
from ctrmoe.config import Config
from ctrmoe.terminal import say


def tune(
    config: Annotated[Path, typer.Argument(help="The TOML file of the model, with `search`.")],
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
    load_tensorflow()
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
        on_trial=lambda trial, best: say(trial_line(trial, best, trials)),
    )
    say(
        f"Wrote {out / 'best.toml'}: trial {found.best.number} of {found.trials.height}, "
        f"valid_{resolved.train.monitor} {found.best.value:.4f}."
    )
    say(f"Next: ctrmoe train {out / 'best.toml'} --out run")
