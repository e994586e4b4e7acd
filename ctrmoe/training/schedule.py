"""How the learning rate moves along a training."""

from __future__ import annotations

from typing import Any

import keras

from ctrmoe.config import TrainConfig

WARMUP = 0.05
"""Share of all steps over which a cosine schedule rises."""


def learning_rate(config: TrainConfig, steps: int) -> Any:
    """Returns the learning rate of a training of `steps` steps: a number or a Keras schedule.

    With the peak η, T steps and W = `WARMUP` · T, the step t of a cosine schedule has

        η (0.1 + 0.9 t / W)                     while t < W
        η (1 + cos(π (t − W) / (T − W))) / 2    from there on

    Reference:
        Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts, 2017,
        arXiv:1608.03983, without restarts. The linear rise is not in the paper.
    """
    if config.schedule == "constant":
        return config.learning_rate
    warmup = round(WARMUP * steps)
    return keras.optimizers.schedules.CosineDecay(
        0.1 * config.learning_rate,
        steps - warmup,
        warmup_target=config.learning_rate,
        warmup_steps=warmup,
    )
