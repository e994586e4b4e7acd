"""Routers and the experts that they choose among."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_choice, check_positive_integer
from ctrmoe.layers.balance import BALANCES
from ctrmoe.layers.dispatch import METHODS, dispatch
from ctrmoe.layers.experts import EXPERTS
from ctrmoe.layers.registry import create
from ctrmoe.layers.routing import Router


@keras.saving.register_keras_serializable(package="ctrmoe")
class Mixture(keras.layers.Layer):
    """Sums of experts' results, `y_q = Σ_e g_qe(x) f_e(x) + Σ_s f_s(x)`, one for each gate q.

    One bank of experts, and for each gate (each task, in MMoE) a router of its own; shared experts
    are added for every row. The losses of a routing are added while training, each with a metric
    `<kind>_loss`.

    Args:
        experts: `kind` in `EXPERTS` and options of the bank, `num_experts` among them.
        router: Options of `Router`; empty for a linear softmax gate.
        num_gates: Number of routers and results, Q.
        shared_experts: Number of experts of the same kind that every row has besides.
        balance: `kind` in `BALANCES` and options of each loss.
        dispatch: `dense`, `fused`, `blocked`, or `auto` for the measured choice.
        block_size: Rows of a block, where blocked.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `[B, H]` or tokens `[B, F, H]`, and the context: a dict of what the routers need, such as
        `domain`, `[B]` int32.

    Output shape:
        `[B, U]` or `[B, F, U]`; with several gates `[B, Q, U]` or `[B, F, Q, U]`.

    Raises:
        ValueError: If a part does not take one of its options, or the context lacks what it needs.

    Example:

    >>> mixture = Mixture({"kind": "feed_forward", "num_experts": 4, "units": [8]})
    >>> mixture(keras.ops.ones((2, 3))).shape
    TensorShape([2, 8])
    """

    def __init__(
        self,
        experts: Mapping[str, Any],
        *,
        router: Mapping[str, Any] | None = None,
        num_gates: int = 1,
        shared_experts: int = 0,
        balance: Sequence[Mapping[str, Any]] = (),
        dispatch: str = "auto",
        block_size: int = 64,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.experts_options = dict(experts)
        self.router_options = dict(router or {})
        self.num_gates = check_positive_integer("num_gates", num_gates)
        self.shared_experts = shared_experts
        self.balance_options = [dict(options) for options in balance]
        self.dispatch = check_choice("dispatch", dispatch, ("auto", *METHODS))
        self.block_size = check_positive_integer("block_size", block_size)
        self.experts = self._bank(self.experts_options, "experts")
        self.shared = None
        if shared_experts:
            check_positive_integer("shared_experts", shared_experts)
            options = {**self.experts_options, "num_experts": shared_experts}
            self.shared = self._bank(options, "shared_experts")
        self.routers = [
            Router(self.experts.num_experts, **self.router_options, name=f"router_{gate}")
            for gate in range(num_gates)
        ]
        self.balances = [create(BALANCES, **options) for options in self.balance_options]
        self.metrics_of_balances = [
            keras.metrics.Mean(f"{options['kind']}_loss") for options in self.balance_options
        ]

    def _bank(self, options: Mapping[str, Any], name: str) -> Any:
        return create(EXPERTS, **options, dtype=self.dtype_policy, name=name)

    def build(self, input_shape: Sequence[int | None], **kwargs: Any) -> None:
        rows = (None, input_shape[-1])
        for part in (self.experts, self.shared, *self.routers):
            if part is not None and not part.built:
                part.build(rows)

    def call(
        self,
        inputs: Any,
        context: Mapping[str, Any] | None = None,
        training: bool | None = None,
    ) -> Any:
        x = ops.reshape(inputs, (-1, inputs.shape[-1]))
        context = self._of_rows(inputs, context or {})
        routings = [router(x, context=context, training=training) for router in self.routers]
        results = dispatch(
            x,
            routings,
            self.experts,
            method=self.dispatch,
            block_size=self.block_size,
            training=training,
        )
        if self.shared is not None:
            shared = ops.sum(self.shared(x, training=training), axis=1)
            results = [result + shared for result in results]
        if training:
            self._add_losses(routings, context)
        y = ops.stack(results, axis=1) if self.num_gates > 1 else results[0]
        return ops.reshape(y, (-1, *inputs.shape[1:-1], *y.shape[1:]))

    def routing(
        self, inputs: Any, context: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Which experts each gate chooses for each row at inference."""
        x = ops.reshape(inputs, (-1, inputs.shape[-1]))
        context = self._of_rows(inputs, context or {})
        return [router(x, context=context) for router in self.routers]

    def _of_rows(self, inputs: Any, context: Mapping[str, Any]) -> dict[str, Any]:
        """The context of each token, that of its row."""
        if len(inputs.shape) == 2:
            return dict(context)
        return {name: ops.repeat(value, inputs.shape[1], axis=0) for name, value in context.items()}

    def _add_losses(
        self, routings: Sequence[Mapping[str, Any]], context: Mapping[str, Any]
    ) -> None:
        for loss, metric in zip(self.balances, self.metrics_of_balances, strict=True):
            value = sum(loss(routing, context=context) for routing in routings) / len(routings)
            self.add_loss(loss.weight * value)
            metric.update_state(value)

    def compute_output_spec(
        self, inputs: Any, context: Any = None, training: bool | None = None
    ) -> Any:
        gates = (self.num_gates,) if self.num_gates > 1 else ()
        shape = (*inputs.shape[:-1], *gates, self.experts.output_dim)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "experts": self.experts_options,
            "router": self.router_options,
            "num_gates": self.num_gates,
            "shared_experts": self.shared_experts,
            "balance": self.balance_options,
            "dispatch": self.dispatch,
            "block_size": self.block_size,
        }
