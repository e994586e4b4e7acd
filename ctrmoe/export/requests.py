"""The inputs of each signature, of raw rows."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from ctrmoe.export.raw_tensors import raw_tensors, serialize_examples
from ctrmoe.export.session import Arrays
from ctrmoe.schema import Schema


def request(
    signature: str, rows: pl.DataFrame, schema: Schema, shared: Collection[str] = ()
) -> Arrays:
    """Returns what a signature takes for raw rows.

    Args:
        signature: One that takes raw columns or serialized examples.
        rows: The raw rows.
        schema: Of the served columns.
        shared: Columns that `serve_candidates` takes the first row of.
    """
    if signature in ("serving_default", "serve_candidates"):
        once = shared if signature == "serve_candidates" else ()
        first = {name: tensor[:1] for name, tensor in _columns(rows.head(1), schema).items()}
        return {
            name: first[name] if name in once else array
            for name, array in _columns(rows, schema).items()
        }
    # TensorFlow Serving feeds Classify and Regress requests to "inputs".
    name = "examples" if signature == "serve_examples" else "inputs"
    return {name: np.array(serialize_examples(rows, schema), object)}


def _columns(rows: pl.DataFrame, schema: Schema) -> Arrays:
    return {name: tensor.numpy() for name, tensor in raw_tensors(rows, schema).items()}
