"""Attention and towers whose weights are generated from vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from ctrmoe.layers._checks import check_positive_integer
from ctrmoe.layers.domain_networks.gated_sum import softmax


@keras.saving.register_keras_serializable(package="ctrmoe")
class MetaNetwork(keras.layers.Layer):
    """Attention of tasks over views of a row, then a residual tower, both of meta units.

    A meta unit is `M(h) = f(h W(s) + b(s))`: its weights are linear maps of a vector s. Of the
    views `E_1 … E_V` of a row, for task t with its vector `T_t`:

        a_tj = v · M([E_j; T_t])
        R_t  = Σ_j softmax(a_t)_j E_j,  and in each layer of the tower  R_t ← f(M'(R_t) + R_t)

    The constant part of each generated matrix starts as the kernel of a dense layer does.

    Args:
        num_tasks: Number of tasks, T.
        units: Width of a view and of a result, U.
        num_layers: Number of layers of the tower.
        activation: `f`.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        Views `[N, b, V U]`, blocks of b rows with one vector, and the vectors, `[N, S]`.

    Output shape:
        `[N, b, T U]`.

    Raises:
        ValueError: If a number is not a positive integer.
    """

    def __init__(
        self,
        num_tasks: int,
        units: int,
        *,
        num_layers: int = 1,
        activation: Any = "relu",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_tasks = check_positive_integer("num_tasks", num_tasks)
        self.units = check_positive_integer("units", units)
        self.num_layers = check_positive_integer("num_layers", num_layers)
        self.activation = keras.activations.get(activation)
        self.attention = self._generator(2 * units, "attention")
        self.towers = [self._generator(units, f"tower_{layer}") for layer in range(num_layers)]

    def _generator(self, width: int, name: str) -> Any:
        return keras.layers.Dense(
            (width + 1) * self.units,
            bias_initializer=_first_weights(width, self.units),
            dtype=self.dtype_policy,
            name=name,
        )

    def build(
        self, inputs_shape: Sequence[int | None], vectors_shape: Sequence[int | None]
    ) -> None:
        for generator in (self.attention, *self.towers):
            generator.build(vectors_shape)
        self.tasks = self.add_weight(
            name="tasks", shape=(self.num_tasks, self.units), initializer="glorot_uniform"
        )
        self.query = self.add_weight(
            name="query", shape=(self.units, 1), initializer="glorot_uniform"
        )

    def generate(self, vectors: Any) -> dict[str, Any]:
        """The weights of all meta units, `[N, …]` each, from the vectors `[N, S]`."""
        weights = ops.reshape(self.attention(vectors), (-1, 2 * self.units + 1, self.units))
        # Of a product with [E_j; T_t] the part of T_t is the same for all rows.
        of_tasks = ops.matmul(self.tasks, weights[:, self.units : -1]) + weights[:, -1:]
        tensors = {"views": weights[:, : self.units], "tasks": of_tasks}
        for index, tower in enumerate(self.towers):
            weights = ops.reshape(tower(vectors), (-1, self.units + 1, self.units))
            tensors |= {f"kernel_{index}": weights[:, :-1], f"bias_{index}": weights[:, -1:]}
        return tensors

    def compute(self, x: Any, tensors: Mapping[str, Any], training: bool | None = None) -> Any:
        """Applies the weights that `generate` gave to each of N blocks of views."""
        blocks, num_views = ops.shape(x)[0], x.shape[-1] // self.units
        views = ops.reshape(x, (blocks, -1, self.units))
        products = ops.reshape(
            ops.matmul(views, tensors["views"]), (blocks, -1, 1, num_views, self.units)
        )
        hidden = self.activation(products + tensors["tasks"][:, None, :, None])
        gates = softmax(ops.squeeze(ops.matmul(hidden, self.query), axis=-1))
        views = ops.reshape(x, (blocks, -1, num_views, self.units))
        y = ops.matmul(ops.cast(gates, x.dtype), views)
        y = ops.reshape(y, (blocks, -1, self.units))
        for index in range(self.num_layers):
            change = ops.matmul(y, tensors[f"kernel_{index}"]) + tensors[f"bias_{index}"]
            y = self.activation(self.activation(change) + y)
        return ops.reshape(y, (blocks, -1, self.num_tasks * self.units))

    def call(self, inputs: Any, vectors: Any) -> Any:
        return self.compute(inputs, self.generate(vectors))

    def compute_output_shape(
        self, inputs_shape: Sequence[int | None], vectors_shape: Sequence[int | None]
    ) -> tuple[int | None, ...]:
        return (*inputs_shape[:2], self.num_tasks * self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_tasks": self.num_tasks,
            "units": self.units,
            "num_layers": self.num_layers,
            "activation": keras.activations.serialize(self.activation),
        }


def _first_weights(width: int, units: int) -> Callable[..., Any]:
    """Draws a matrix as a dense layer would, above a bias of zeros, as one vector."""

    def draw(shape: Sequence[int], dtype: Any = None) -> Any:
        kernel = keras.initializers.GlorotUniform()((width, units), dtype=dtype)
        return ops.reshape(ops.pad(kernel, [[0, 1], [0, 0]]), shape)

    return draw
