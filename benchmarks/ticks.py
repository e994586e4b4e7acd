"""A callback for the step clock; apart from `clocks.py`, which peers without Keras 3 use too."""

from __future__ import annotations

from typing import Any

import clocks
import keras


class Ticks(keras.callbacks.Callback):
    """Notes the start of every step."""

    def __init__(self, clock: clocks.StepClock) -> None:
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.clock.tick()
