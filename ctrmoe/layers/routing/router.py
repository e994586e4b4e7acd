"""Scorer, adjusts and selector, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from ctrmoe.layers.registry import KERAS_OPTIONS, create
from ctrmoe.layers.routing.adjusts import ADJUSTS
from ctrmoe.layers.routing.scorers import SCORERS
from ctrmoe.layers.routing.selectors import SELECTORS


@keras.saving.register_keras_serializable(package="ctrmoe")
class Router(keras.layers.Layer):
    """Chooses experts for each row: scores them, adjusts the scores, selects.

    Computed in float32 whatever the policy. At inference a row's routing depends on the row alone.

    Args:
        num_experts: Number of experts, E.
        kind: Of the scorer, in `SCORERS`.
        adjusts: `kind` in `ADJUSTS` and options of each adjust, in their order.
        selector: `kind` in `SELECTORS` and options; None for what suits the scorer.
        **options: Options of the scorer, and arguments of `keras.layers.Layer`.

    Input shape:
        `[T, H]`, and the context: a dict of what the parts need, such as `domain`, `[T]` int32.

    Output shape:
        A dict of `logits` and `probs`, `[T, E]`, `index`, `[T, K]` int32, and `gate`, `[T, K]`.

    Raises:
        ValueError: If a part does not take one of its options, or the context lacks what it needs.

    Example:

    >>> router = Router(4, selector={"kind": "top_k", "k": 2})
    >>> router(keras.ops.ones((3, 8)))["index"].shape
    TensorShape([3, 2])
    """

    def __init__(
        self,
        num_experts: int,
        kind: str = "linear",
        *,
        adjusts: Sequence[Mapping[str, Any]] = (),
        selector: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        kwargs = {name: options.pop(name) for name in KERAS_OPTIONS if name in options}
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.num_experts = num_experts
        self.kind = kind
        self.scorer_options = options
        self.adjusts_options = [dict(adjust) for adjust in adjusts]
        self.scorer = create(SCORERS, kind, num_experts=num_experts, **options)
        self.adjusts = [create(ADJUSTS, **adjust) for adjust in self.adjusts_options]
        self.selector_options = dict(selector or self.scorer.default_selector)
        self.selector = create(SELECTORS, **self.selector_options)

    @property
    def needs(self) -> tuple[str, ...]:
        """What the context must hold."""
        return tuple(
            dict.fromkeys(key for part in (self.scorer, *self.adjusts) for key in part.needs)
        )

    def build(self, input_shape: Sequence[int | None], **kwargs: Any) -> None:
        scores = {"logits": (input_shape[0], self.num_experts)}
        scores["scores"] = scores["logits"]
        self.scorer.build(input_shape)
        for adjust in self.adjusts:
            adjust.build(scores)
        self.selector.build(scores)

    def call(
        self,
        inputs: Any,
        context: Mapping[str, Any] | None = None,
        training: bool | None = None,
    ) -> dict[str, Any]:
        context = context or {}
        missing = [name for name in self.needs if name not in context]
        if missing:
            raise ValueError(
                f"`context` must hold {', '.join(self.needs)}. Received: {sorted(context)}."
            )
        logits = self.scorer(inputs, context=context, training=training)
        scores = {"logits": logits, "scores": logits}
        for adjust in self.adjusts:
            scores = adjust(scores, context=context, training=training)
        routing = {"logits": scores["logits"], **self.selector(scores)}
        if training:
            for adjust in self.adjusts:
                adjust.selected(routing)
        return routing

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        logits = keras.KerasTensor((inputs.shape[0], self.num_experts), dtype="float32")
        return {"logits": logits, **self.selector.compute_output_spec({"logits": logits})}

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["dtype"]
        return {
            **config,
            "num_experts": self.num_experts,
            "kind": self.kind,
            **self.scorer_options,
            "adjusts": self.adjusts_options,
            "selector": self.selector_options,
        }
