"""Mixtures one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from ctrmoe.layers.mixture import Mixture
from ctrmoe.layers.registry import create


@keras.saving.register_keras_serializable(package="ctrmoe")
class MixtureStack(keras.layers.Layer):
    """Feeds each mixture the result of the one before it, `x ← mixture(x)` or `x + mixture(x)`.

    Every mixture gets the same context. The stack is the owner of what its mixtures share.

    Args:
        mixtures: Options of each `Mixture`; all but the last have one result.
        residual: Whether a mixture whose result is as wide as what it reads adds to it.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, H]`, and the context that the mixtures need.

    Output shape:
        That of the last mixture.

    Raises:
        ValueError: If there is no mixture, one before the last has several results, or a mixture
            does not take one of its options.

    Example:

    >>> one = {"experts": {"kind": "feed_forward", "num_experts": 4, "units": [8]}}
    >>> MixtureStack([one, one])(keras.ops.ones((2, 3))).shape
    TensorShape([2, 8])
    """

    def __init__(
        self, mixtures: Sequence[Mapping[str, Any]], *, residual: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.options = [dict(options) for options in mixtures]
        self.residual = residual
        self.input_spec = keras.layers.InputSpec(min_ndim=2, max_ndim=3)
        policy = self.dtype_policy
        self.mixtures = [
            create(
                {"mixture": Mixture},
                "mixture",
                dtype=policy,
                name=f"{self.name}_{level}",
                **options,
            )
            for level, options in enumerate(self.options)
        ]
        results = [mixture.num_results for mixture in self.mixtures[:-1]]
        if not self.mixtures or any(count > 1 for count in results):
            raise ValueError(
                "`mixtures` must hold at least one, and only the last may have several results. "
                f"Received: {len(self.mixtures)} mixtures, {results} results before the last."
            )

    @property
    def needs(self) -> tuple[str, ...]:
        """What the context must hold."""
        return tuple(dict.fromkeys(name for mixture in self.mixtures for name in mixture.needs))

    @property
    def num_results(self) -> int:
        """Number of results of the last mixture."""
        return int(self.mixtures[-1].num_results)

    def build(self, input_shape: Sequence[int | None], **kwargs: Any) -> None:
        shape = tuple(input_shape)
        self.input_spec = self.mixtures[0].input_spec
        for mixture in self.mixtures:
            if not mixture.built:
                mixture.build(shape)
            shape = (*shape[:-1], mixture.experts.output_dim)

    def call(
        self,
        inputs: Any,
        context: Mapping[str, Any] | None = None,
        training: bool | None = None,
    ) -> Any:
        x = inputs
        for mixture in self.mixtures:
            x = self._joined(x, mixture(x, context=context, training=training))
        return x

    def _joined(self, x: Any, y: Any) -> Any:
        return x + y if self.residual and tuple(x.shape[1:]) == tuple(y.shape[1:]) else y

    def routing(
        self, inputs: Any, context: Mapping[str, Any] | None = None
    ) -> list[list[dict[str, Any]]]:
        """Which experts each gate of each mixture chooses for each row at inference."""
        x, found = inputs, []
        for mixture in self.mixtures:
            found.append(mixture.routing(x, context))
            x = self._joined(x, mixture(x, context=context))
        return found

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        return tuple(self.mixtures[-1].compute_output_shape(input_shape))

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "mixtures": self.options, "residual": self.residual}
