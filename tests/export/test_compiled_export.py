"""Exports that XLA compiles, that compute in bfloat16, that a TPU converter can take."""

from collections import Counter

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from ctrmoe.config import ConfigError
from ctrmoe.export import ExportOptions, export
from ctrmoe.export.manifest import read_manifest
from ctrmoe.export.requests import request
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.session import served_session
from ctrmoe.scorer import Scorer

OWN = ("item_id", "category")


@pytest.fixture(scope="module")
def folder(run, test_rows, tmp_path_factory):
    """All three at once, and candidates."""
    place = tmp_path_factory.mktemp("models")
    test_rows.write_parquet(place / "holdout.parquet")
    options = ExportOptions(
        jit=True,
        bfloat16=True,
        tpu_ready=True,
        candidates=OWN,
        batch_buckets=(16, 300),
        holdout=[place / "holdout.parquet"],
        max_auc_loss=0.01,
    )
    return export(run, place / "clicks", options)


def graph_of(folder):
    return saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())


def weights_of(folder):
    """Shape and type of each stored variable."""
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    types = reader.get_variable_to_dtype_map()
    return [(reader.get_variable_to_shape_map()[name], types[name].name) for name in types]


def compiled(folder):
    """How many functions XLA must compile."""
    functions = graph_of(folder).meta_graphs[0].graph_def.library.function
    return sum(function.attr["_XlaMustCompile"].b for function in functions)


def test_answers_are_close_to_those_of_the_run(run, folder):
    rows = sample_rows(run.encoder, 40)
    expected = Scorer.load(run.folder).score(rows)["click_probability"].to_numpy()
    shared = read_manifest(folder)["shared_columns"]
    logits = np.log(expected / (1 - expected))

    with served_session(folder) as session:
        answer = session("serving_default", request("serving_default", rows, run.schema))
        served = answer["click"][:, 0].astype(float)
        difference = np.abs(np.log(served / (1 - served)) - logits)
        candidates = session(
            "serve_candidates", request("serve_candidates", rows, run.schema, shared)
        )

    assert 0 < difference.max() < 4e-3
    assert candidates["click"].shape == (40, 1)


def test_compiler_and_number_type_are_in_the_manifest(folder, exported):
    manifest = read_manifest(folder)

    assert (manifest["compile"], manifest["compute_dtype"]) == ("xla", "bfloat16")
    assert manifest["tpu_ready"] is True
    plain = read_manifest(exported)
    assert (plain["compile"], plain["compute_dtype"]) == ("none", "float32")


def test_cost_in_accuracy_is_in_the_manifest(folder, exported):
    accuracy = read_manifest(folder)["accuracy"]

    assert accuracy["rows"] == 700
    click = accuracy["tasks"]["click"]
    assert 0 < abs(click["logloss_after"] - click["logloss_before"]) < 1e-3
    assert read_manifest(exported)["accuracy"] is None


def test_xla_is_left_out_unless_asked_for(folder, exported):
    assert compiled(folder) > 0
    assert compiled(exported) == 0


def test_weights_stay_float32(folder, exported):
    kept, plain = (
        Counter((tuple(shape), str(dtype)) for shape, dtype in weights_of(path))
        for path in (folder, exported)
    )

    assert not plain - kept  # beside them are copies for candidates
    assert "bfloat16" not in str(kept) and "float32" in str(kept)


def test_core_has_an_alias(folder, exported):
    info = graph_of(folder).meta_graphs[0].meta_info_def
    functions = {
        f.signature.name for f in graph_of(folder).meta_graphs[0].graph_def.library.function
    }

    assert set(info.function_aliases.values()) == {"core"}
    assert set(info.function_aliases) <= functions
    assert not graph_of(exported).meta_graphs[0].meta_info_def.function_aliases


def test_tables_of_their_own_place_are_not_compiled():
    with pytest.raises(ConfigError, match="`jit` compiles the reads of tables with the rest"):
        ExportOptions(jit=True, tables="cpu")


def test_operation_that_xla_does_not_know(run, tmp_path, monkeypatch):
    def model(self, options):
        def call(inputs, training=False):
            text = tf.strings.as_string(inputs["ids"][:, 0])
            number = tf.strings.to_number(text)
            return {task: number for task in ("click", "conversion")}

        call.inputs, call.output = run.model.inputs, run.model.output
        call.variables = run.model.variables
        return call

    monkeypatch.setattr("ctrmoe.export.serving_module.served_model", model)

    with pytest.raises(ConfigError, match="needs a model that XLA can compile.*without"):
        export(run, tmp_path / "clicks", ExportOptions(jit=True))
    assert list((tmp_path / "clicks").iterdir()) == []
