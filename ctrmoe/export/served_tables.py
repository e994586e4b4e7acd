"""How an exported graph reads the rows of the model's tables."""

from __future__ import annotations

import re
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ctrmoe.export.options import ExportOptions
from ctrmoe.export.placement import PLACES
from ctrmoe.export.quantized_table import QuantizedTable, shrinks
from ctrmoe.layers.table_rows import TABLES


class ServedTables(tf.Module):
    """Reads tables as they are, or quantized, in the place of `gather_rows`.

    Args:
        model: A Keras model.
        options: Say whether its tables are quantized, and where they are read.
    """

    def __init__(self, model: keras.Model, options: ExportOptions) -> None:
        super().__init__()
        tables = [v for v in model.variables if re.fullmatch(TABLES, v.path)]
        self.device = PLACES[options.tables]
        self.quantized = {
            variable.path: QuantizedTable(variable.numpy(), variable.path)
            for variable in tables
            if options.quantize and shrinks(variable.shape[-1])
        }
        # Were Keras's variables themselves attributes, a session would not find them restored.
        self.stored = [v.value for v in model.variables if v.path not in self.quantized]
        self._unquantized_bytes = sum(_bytes(variable.value) for variable in model.variables)

    def __call__(self, table: Any, rows: tf.Tensor) -> tf.Tensor:
        """Returns the rows of these numbers of a model's table."""
        with tf.device(self.device):
            if table.path in self.quantized:
                return self.quantized[table.path](rows)
            return tf.nn.embedding_lookup(table.value, rows)

    def round(self, model: keras.Model) -> None:
        """Gives the tables of a copy of the model the numbers that the graph reads."""
        for variable in model.variables:
            if variable.path in self.quantized:
                variable.assign(self.quantized[variable.path].matrix())

    @property
    def names(self) -> set[str]:
        """Names of the variables that hold tables."""
        quantized = [v for table in self.quantized.values() for v in table.variables]
        kept = [v for v in self.stored if re.fullmatch(TABLES, _name(v))]
        return {_name(variable) for variable in (*quantized, *kept)}

    def sizes(self) -> dict[str, int]:
        """Returns the bytes of all weights without quantization and as they are stored."""
        stored = [*self.stored, *(v for t in self.quantized.values() for v in t.variables)]
        return {
            "bytes_before": self._unquantized_bytes,
            "bytes_after": sum(map(_bytes, stored)),
        }


def _bytes(variable: tf.Variable) -> int:
    return int(np.prod(variable.shape)) * variable.dtype.size


def _name(variable: tf.Variable) -> str:
    return str(variable.name).removesuffix(":0")
