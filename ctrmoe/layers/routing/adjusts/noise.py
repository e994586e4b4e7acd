"""Noise that makes the choice explore."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from ctrmoe.layers.routing.adjusts.adjust import Adjust, Scores
from ctrmoe.layers.schedule import Schedule


@keras.saving.register_keras_serializable(package="ctrmoe")
class Noise(Adjust):
    """Adds normal noise to the logits while training: `z + stddev · ε`.

    Args:
        stddev: Standard deviation, a number or a `Schedule`'s options; `1 / E` is the usual scale.
        seed: Of the noise.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: If `stddev` is negative.

    Reference:
        Shazeer et al., Outrageously Large Neural Networks: The Sparsely-Gated Mixture-of-Experts
        Layer, 2017, arXiv:1701.06538, with one constant deviation instead of a trained one for
        each expert.
    """

    def __init__(
        self,
        stddev: float | Mapping[str, Any] = 0.1,
        *,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stddev = Schedule("stddev", stddev)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    @property
    def needs(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.stddev.needs

    def call(
        self, inputs: Scores, context: Mapping[str, Any], training: bool | None = None
    ) -> Scores:
        if not training:
            return inputs
        noise = keras.random.normal(ops.shape(inputs["logits"]), seed=self.seed_generator)
        noise = self.stddev(context) * noise
        return {name: scores + noise for name, scores in inputs.items()}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev.value, "seed": self.seed}
