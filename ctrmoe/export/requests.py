"""The inputs of each signature, of raw rows."""

from __future__ import annotations

import numpy as np
import polars as pl

from ctrmoe.export.raw_tensors import raw_tensors, serialize_examples
from ctrmoe.export.session import Arrays
from ctrmoe.schema import Schema


def request(signature: str, rows: pl.DataFrame, schema: Schema) -> Arrays:
    """Returns what a signature takes for raw rows.

    Args:
        signature: `serving_default` or one that takes serialized examples.
        rows: The raw rows.
        schema: Of the served columns.
    """
    if signature == "serving_default":
        return {name: tensor.numpy() for name, tensor in raw_tensors(rows, schema).items()}
    # TensorFlow Serving feeds Classify and Regress requests to "inputs".
    name = "examples" if signature == "serve_examples" else "inputs"
    return {name: np.array(serialize_examples(rows, schema), object)}
