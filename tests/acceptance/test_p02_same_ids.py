"""P2: preparation and the loaded SavedModel turn any raw value into the same ids."""

import numpy as np
import polars as pl
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from ctrmoe.export.raw_graph import RawGraph
from ctrmoe.export.raw_tensors import raw_tensors

ODD = ["", " ", "a", "A", "ünï ✓", "点击", "0", "-0.0", "NaN", "null", "7", "nul\0"]
TEXT = st.sampled_from(ODD) | st.text(max_size=8) | st.just("x").map(lambda text: text * 10_000)
INTEGER = st.sampled_from([-(2**63), 1 - 2**63, 2**63 - 1, 2**62]) | st.integers(-9, 25)
NUMBER = st.floats(width=32) | st.sampled_from([1e30, -1e30, -0.0, 1e-40])
VALUES = {
    pl.String(): TEXT,
    pl.Int64(): INTEGER,
    pl.Float32(): NUMBER,
    pl.List(pl.String()): st.lists(st.none() | TEXT, max_size=6),
    pl.List(pl.Int64()): st.lists(st.none() | INTEGER, max_size=6),
}


@pytest.fixture(scope="module")
def loaded_ids(every_kind_run, tmp_path_factory):
    """The raw graph of the run's export, saved and loaded again."""
    module = tf.Module()
    module.graph = RawGraph(every_kind_run.encoder, every_kind_run.folder)
    module.ids = tf.function(lambda raw: module.graph(raw), [module.graph.signature])
    folder = str(tmp_path_factory.mktemp("ids"))
    tf.saved_model.save(module, folder)
    return tf.saved_model.load(folder)


def test_p2_ids_of_any_value_are_those_of_the_loaded_model(every_kind, every_kind_run, loaded_ids):
    encoder = every_kind_run.encoder
    types = every_kind(1, 0).drop("click").schema

    @settings(max_examples=150, deadline=None)
    @given(st.lists(st.fixed_dictionaries({n: st.none() | VALUES[t] for n, t in types.items()}),
                    min_size=1, max_size=8))  # fmt: skip
    def check(rows):
        frame = pl.DataFrame(rows, schema=types)

        graph = loaded_ids.ids(raw_tensors(frame, encoder.schema))

        encoded = encoder.encode(frame)
        np.testing.assert_array_equal(graph["ids"], encoded.ids)
        np.testing.assert_array_equal(graph["sequences"], encoded.sequences)
        # TensorFlow reads numbers below 1.2e-38 as 0.
        np.testing.assert_allclose(graph["values"], encoded.values, rtol=1e-6, atol=1e-37)

    check()
