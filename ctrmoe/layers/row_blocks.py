"""Runs a layer over blocks of rows that fit the cache."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops, tree

from ctrmoe.layers._checks import check_choice

# Rows of a block and compiler by device, measured by benchmarks/dense_core.py; a device that
# nobody has measured runs the layer as it is.
DEFAULTS = {"CPU": (1024, "none")}


@keras.saving.register_keras_serializable(package="ctrmoe")
class RowBlocks(keras.layers.Wrapper):
    """Computes `layer(x)` block by block, so that intermediate results stay in the cache.

    This holds for a batch of static size, which `tf.data` with `drop_remainder` gives to `fit`:
    a size that `block_size` does not divide is one block. A batch of unknown size, such as an
    exported model's, goes through `layer` as it is, without XLA. Losses that `layer` adds in its
    call are averaged over the blocks: they should be means over rows.

    Args:
        layer: A layer whose output for a row depends on that row alone.
        block_size: Rows of a block; 0 for the whole batch, `"auto"` for the device's default.
        compile: `"xla"` compiles the call of `layer`, `"none"` does not, `"auto"` takes the
            device's default. Put the embedding lookup outside: XLA would make its gradient dense.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        That of `layer`, one tensor or a structure of them, `[B, …]`.

    Output shape:
        That of `layer`.

    Raises:
        ValueError: If `block_size` or `compile` is none of the above.

    Example:

    >>> RowBlocks(MLP([4]), block_size=2)(keras.ops.ones((6, 3))).shape
    TensorShape([6, 4])
    """

    def __init__(
        self,
        layer: Any,
        *,
        block_size: int | str = "auto",
        compile: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(layer, **kwargs)
        valid = block_size == "auto" or (type(block_size) is int and block_size >= 0)
        if not valid:
            raise ValueError(
                "`block_size` must be 'auto' or an integer, 0 for no blocks. "
                f"Received: block_size={block_size!r}."
            )
        self.block_size = block_size
        self.compile = check_choice("compile", compile, ("auto", "none", "xla"))
        # Not a dictionary of functions: Keras would track it, and `export` would save it.
        self._function = functools.cache(self._make_function)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        rows = tree.flatten(inputs)[0].shape[0]
        # Keras builds a reloaded model by a call with symbols, when weights have no values yet: a
        # function of the cache would keep the values that stand in for them.
        ready = all(weight._value is not None for weight in self.layer.weights)
        if rows is None or not ready or keras.backend.backend() != "tensorflow":
            return self.layer(inputs, training=training)
        block_size, compiler = self._plan()
        count = rows // block_size if block_size and rows % block_size == 0 else 1
        if count < 2 and compiler == "none":
            return self.layer(inputs, training=training)
        # What is frozen belongs to the key: batch normalisation asks at the trace.
        trainable = tuple(weight.trainable for weight in self.layer.weights)
        run = self._function(bool(training), compiler == "xla", trainable)
        return self._join([self._run(run, block) for block in _split(inputs, count)])

    def _plan(self) -> tuple[int, str]:
        """Rows of a block and compiler, of this device where they are `"auto"`."""
        import tensorflow as tf

        device = "CPU"
        for accelerator in ("GPU", "TPU"):
            if tf.config.list_logical_devices(accelerator):
                device = accelerator
        block_size, compiler = DEFAULTS.get(device, (0, "none"))
        if self.block_size != "auto":
            block_size = int(self.block_size)
        return block_size, compiler if self.compile == "auto" else self.compile

    def _make_function(
        self, training: bool, jit_compile: bool, trainable: tuple[bool, ...]
    ) -> Callable[[Any], Any]:
        """The call as a function that returns losses and new states instead of keeping them.

        Being a function, it is traced once for all blocks. Its tensors must not be read outside
        of it, except as its results. `trainable` only tells functions of the cache apart.
        """
        import tensorflow as tf

        def run(block: Any) -> tuple[Any, list[Any], dict[str, Any]]:
            with keras.StatelessScope(collect_losses=True) as scope:
                outputs = self.layer(block, training=training)
            states = enumerate(self.layer.variables)
            updates = {str(i): scope.get_current_value(state) for i, state in states}
            return outputs, scope.losses, {i: v for i, v in updates.items() if v is not None}

        function: Callable[[Any], Any] = tf.function(run, jit_compile=jit_compile, autograph=False)
        return function

    def _run(self, run: Callable[[Any], Any], block: Any) -> tuple[Any, list[Any]]:
        outputs, losses, updates = run(block)
        for index, value in updates.items():
            self.layer.variables[int(index)].assign(value)
        return outputs, losses

    def _join(self, results: list[tuple[Any, list[Any]]]) -> Any:
        for losses in zip(*(losses for _, losses in results), strict=True):
            self.add_loss(sum(losses) / len(losses))
        outputs = [output for output, _ in results]
        if len(outputs) == 1:
            return outputs[0]
        return tree.map_structure(lambda *parts: ops.concatenate(parts, axis=0), *outputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "block_size": self.block_size,
            "compile": self.compile,
        }


def _split(inputs: Any, count: int) -> list[Any]:
    if count == 1:
        return [inputs]
    parts = [ops.split(x, count, axis=0) for x in tree.flatten(inputs)]
    return [tree.pack_sequence_as(inputs, block) for block in zip(*parts, strict=True)]
