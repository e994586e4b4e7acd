"""What the classifiers have in common: their MLP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_tokens
from ctrmoe.layers.mlp import MLP


class Classifier(keras.layers.Layer):
    """Base of layers `[B, N, D] → [B, U]` around one MLP; a subclass says what the MLP reads.

    Args:
        units: Widths of the MLP.
        activation: Activation of the MLP.
        dropout: Share of outputs set to zero while training, after every layer of the MLP.
        batch_normalization: Normalises the layers of the MLP before their activation.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(
        self,
        units: Sequence[int],
        *,
        activation: Any = "relu",
        dropout: float = 0.0,
        batch_normalization: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mlp = MLP(
            units,
            activation=activation,
            dropout=dropout,
            batch_normalization=batch_normalization,
            dtype=self.dtype_policy,
            name="mlp",
        )

    def build(self, input_shape: Sequence[int | None]) -> None:
        tokens, dim = check_tokens(input_shape)
        self.input_spec = keras.layers.InputSpec(shape=(None, tokens, dim))
        self.mlp.build((None, self._width(tokens, dim)))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        return self.mlp(self._features(inputs), training=training)

    def _features(self, tokens: Any) -> Any:
        """What the MLP reads, `[B, H]`."""
        raise NotImplementedError

    def _width(self, tokens: int, dim: int) -> int:
        """The width of what the MLP reads."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return (input_shape[0], self.mlp.units[-1])

    def get_config(self) -> dict[str, Any]:
        mlp = self.mlp.get_config()
        names = ("units", "activation", "dropout", "batch_normalization")
        return {**super().get_config(), **{name: mlp[name] for name in names}}


def flatten(tokens: Any) -> Any:
    """`[B, N, D] → [B, N · D]`."""
    _, count, dim = tokens.shape
    return ops.reshape(tokens, (-1, count * dim))
