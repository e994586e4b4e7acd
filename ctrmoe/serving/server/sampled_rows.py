"""Raw rows of requests, read back from the tensors that a signature takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import tensorflow as tf

from ctrmoe.data.encode import Encoder, raw_columns
from ctrmoe.export.examples import parse_examples
from ctrmoe.export.raw_graph import served_schema
from ctrmoe.schema import Schema
from ctrmoe.serving.server.signature import Arrays, Signature


def raw_frame(
    signature: Signature, inputs: Arrays, rows: np.ndarray, encoder: Encoder
) -> pl.DataFrame | None:
    """Returns chosen rows of a batch as the columns that `Encoder.arrays` takes.

    Args:
        signature: Of the batch.
        inputs: Its inputs.
        rows: The numbers of the rows.
        encoder: Of the model.

    Returns:
        None for signatures that take no raw rows.
    """
    schema = served_schema(encoder, encoder.schema.domain is not None)
    tensors = _tensors(signature, inputs, rows, schema)
    if tensors is None:
        return None
    lists = {of.name for of in schema.features if of.is_list and not of.separator}
    lists |= {of.weights for of in encoder.schema.weighted}
    nulls = pl.Series([None] * len(rows), dtype=pl.Null)
    return pl.DataFrame(
        {
            name: _column(tensors[name], name in lists) if name in tensors else nulls
            for name in raw_columns(encoder.schema)
        }
    )


def _tensors(
    signature: Signature, inputs: Arrays, rows: np.ndarray, schema: Schema
) -> Arrays | None:
    if signature.takes_examples:
        (examples,) = inputs.values()
        parsed = parse_examples(tf.constant(examples[rows]), schema)
        return {name: tensor.numpy() for name, tensor in parsed.items()}
    if not {feature.name for feature in schema.features} & set(inputs):
        return None
    return {
        # What candidates share has one row, or one for each of them.
        name: array[rows] if len(array) > 1 else array.repeat(len(rows), axis=0)
        for name, array in inputs.items()
    }


def _column(array: np.ndarray, is_list: bool) -> list[Any]:
    values = array.tolist()
    if array.dtype == object:
        values = [[_text(value) for value in row] for row in values]
    return values if is_list else [row[0] for row in values]


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")
