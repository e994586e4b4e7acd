"""Worker of `domain_cost.py`: steps of a named model by `ctrmoe`'s own feed and training step."""

from __future__ import annotations

import argparse
from pathlib import Path

import clocks
import keras
import tensorflow as tf
from ticks import Ticks

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.model import build_model
from ctrmoe.prediction import reads_domain
from ctrmoe.training import compile_model, training_feed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--skipped", type=int, default=clocks.SKIPPED_STEPS, help="not counted")
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    config = Config.load(args.config, [*args.set, f"data.prepared={args.prepared}"])
    if config.train.deterministic:  # as `ctrmoe train` does
        tf.config.experimental.enable_op_determinism()
    encoder = Encoder.load(args.prepared)
    model = build_model(
        encoder.schema, config, fields=encoder.fields(), num_domains=encoder.num_domains
    )
    feed = training_feed(config, args.prepared, encoder.schema, reads_domain=reads_domain(model))
    fitted = compile_model(model, config, encoder.schema, steps=args.steps)
    clock = clocks.StepClock(config.train.batch_size)
    fitted.fit(feed.dataset(0, args.steps), shuffle=False, verbose=0, callbacks=[Ticks(clock)])
    figures = {
        **clock.figures(args.skipped),
        "parameters": model.count_params(),
        "domains": encoder.num_domains - 1,
    }
    clocks.report(figures, {"tensorflow": tf.__version__, "keras": keras.__version__})


if __name__ == "__main__":
    main()
