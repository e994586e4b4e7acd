import json
import os
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import ConfigError
from ctrmoe.data.encode import Encoder
from ctrmoe.data.prepare import prepare
from ctrmoe.export import export
from ctrmoe.export.raw_graph import RawGraph
from ctrmoe.export.raw_tensors import raw_tensors, serialize_examples
from ctrmoe.export.samples import sample_rows
from ctrmoe.export.session import run_in_session, served_session
from ctrmoe.run import Run
from ctrmoe.schema import Schema
from ctrmoe.scorer import Scorer

EVERY_KIND = Schema.from_dict(
    {
        "name": "every-kind",
        "tasks": [{"name": "click"}],
        "features": [
            {"name": "text", "kind": "categorical"},
            {"name": "whole number", "kind": "categorical", "oov_buckets": 5},
            {"name": "class", "kind": "categorical", "hash_buckets": 11},
            {"name": "größe/€", "kind": "numeric", "transform": "standard"},
            {"name": "raw", "kind": "numeric"},
            {"name": "log", "kind": "numeric", "transform": "log"},
            {"name": "square", "kind": "numeric", "transform": "log_square"},
            {"name": "floor", "kind": "numeric", "transform": "log_square", "truncate": True},
            {"name": "bucket", "kind": "numeric", "transform": "quantile", "buckets": 5},
            {"name": "tags", "kind": "categorical", "max_length": 3},
            {"name": "joined", "kind": "categorical", "max_length": 3, "separator": "|"},
            {"name": "clicked", "kind": "sequence", "max_length": 4, "vocabulary": "text"},
            {"name": "visited", "kind": "sequence", "max_length": 2},
        ],
    }
)


def raw_table(rows=400, seed=0):
    random = np.random.default_rng(seed)
    words = np.array(
        ["a", "bb", "ünï ✓", "", "x" * 10_000, "tab\there", "line\nbreak", "-0.0", "7"]
    )
    numbers = {
        f.name: pl.Series(random.lognormal(size=rows) * random.choice([-1, 1, 100], rows))
        for f in EVERY_KIND.features
        if f.kind == "numeric"
    }

    def lists(pool):
        return [list(random.choice(pool, random.integers(6))) for _ in range(rows)]

    whole = random.choice([-5, 0, 3, 2**62, -(2**63) + 1], rows)
    return pl.DataFrame(
        {
            "click": random.integers(0, 2, rows),
            "text": words[random.integers(len(words), size=rows)],
            "whole number": whole,
            "class": words[random.integers(len(words), size=rows)],
            **numbers,
            "tags": lists(words),
            "joined": ["|".join(row) for row in lists(words[:3])],
            "clicked": lists(words),
            "visited": [[int(v) for v in row] for row in lists(np.arange(9))],
        }
    )


@pytest.fixture(scope="module")
def odd_encoder(tmp_path_factory) -> tuple[Encoder, os.PathLike]:
    out = tmp_path_factory.mktemp("odd") / "prepared"
    prepare(EVERY_KIND, raw_table(), valid=raw_table(50, seed=1), out=out)
    return Encoder.load(out), out


def test_graph_gives_the_ids_of_the_encoder(odd_encoder):
    encoder, folder = odd_encoder
    rows = sample_rows(encoder, 2_000)

    packed = RawGraph(encoder, folder)(raw_tensors(rows, encoder.schema))

    encoded = encoder.encode(rows)
    np.testing.assert_array_equal(packed["ids"], encoded.ids)
    np.testing.assert_array_equal(packed["sequences"], encoded.sequences)
    np.testing.assert_allclose(packed["values"], encoded.values, rtol=1e-6)
    assert np.isnan(encoded.values).any()
    assert {0, 1, 2} <= set(encoded.sequences.ravel())


def test_graph_of_a_column_without_values(tmp_path):
    """Nothing but missing values in training: every later value is unknown, of text and numbers."""
    rows = raw_table(20).with_columns(pl.lit("").alias("text"))
    rows = rows.with_columns(pl.lit(None, pl.Int64).alias("whole number"))
    rows = rows.with_columns(pl.lit([], pl.List(pl.String)).alias("clicked"))
    prepare(EVERY_KIND, rows, out=tmp_path / "prepared")
    encoder = Encoder.load(tmp_path / "prepared")
    later = raw_table(20, seed=1)

    packed = RawGraph(encoder, tmp_path / "prepared")(raw_tensors(later, encoder.schema))

    np.testing.assert_array_equal(packed["ids"], encoder.encode(later).ids)
    assert set(packed["ids"].numpy()[:, 0]) <= {1, 2}


def test_answers_are_those_of_the_keras_model(run, exported, test_rows):
    expected = Scorer.load(run.folder).score(test_rows)
    loaded = tf.saved_model.load(str(exported))
    tensors = raw_tensors(test_rows, run.schema)
    examples = tf.constant(serialize_examples(test_rows, run.schema))

    for answer in (
        loaded.signatures["serving_default"](**tensors),
        loaded.signatures["serve_examples"](examples=examples),
    ):
        assert sorted(answer) == ["click", "conversion"]
        for task in answer:
            assert answer[task].shape == (700, 1)
            np.testing.assert_allclose(
                answer[task][:, 0], expected[f"{task}_probability"], atol=1e-6
            )


def test_session_answers_as_tensorflow_serving_does(run, exported, test_rows):
    expected = Scorer.load(run.folder).score(test_rows)
    raw = {name: t.numpy() for name, t in raw_tensors(test_rows, run.schema).items()}
    examples = np.array(serialize_examples(test_rows, run.schema), object)

    for signature, inputs in (("serving_default", raw), ("serve_examples", {"examples": examples})):
        answer = run_in_session(exported, signature, inputs)
        np.testing.assert_allclose(answer["click"][:, 0], expected["click_probability"], atol=1e-6)


def test_signature_lists_raw_features(exported, run):
    signature = tf.saved_model.load(str(exported)).signatures["serving_default"]

    specs = signature.structured_input_signature[1]
    assert set(specs) == {feature.name for feature in run.schema.features}
    assert (specs["user_id"].dtype, specs["user_id"].shape.as_list()) == (tf.int64, [None, 1])
    assert (specs["item_id"].dtype, specs["item_id"].shape.as_list()) == (tf.string, [None, 1])
    assert (specs["number_0"].dtype, specs["number_0"].shape.as_list()) == (tf.float32, [None, 1])
    assert specs["history"].shape.as_list() == [None, None]


def test_answer_of_a_row_is_its_own(exported, run, test_rows):
    loaded = tf.saved_model.load(str(exported))
    tensors = raw_tensors(test_rows.head(50), run.schema)
    whole = loaded.signatures["serving_default"](**tensors)["click"]

    alone = loaded.signatures["serving_default"](**{k: v[7:8] for k, v in tensors.items()})["click"]

    assert float(alone[0, 0]) == pytest.approx(float(whole[7, 0]), abs=1e-6)


def test_example_without_features_is_all_missing(exported, run, test_rows):
    loaded = tf.saved_model.load(str(exported))
    empty = test_rows.head(1).with_columns(
        pl.lit(None).cast(dtype).alias(name) for name, dtype in test_rows.schema.items()
    )
    extra = tf.train.Example()
    extra.features.feature["new feature"].float_list.value.append(1.0)
    examples = tf.constant([b"", extra.SerializeToString()])

    answer = loaded.signatures["serve_examples"](examples=examples)["click"][:, 0]

    expected = Scorer.load(run.folder).score(empty)["click_probability"][0]
    np.testing.assert_allclose(answer, [expected, expected], atol=1e-6)


def test_odd_column_names_are_the_names_of_the_inputs(odd_encoder, tmp_path):
    from ctrmoe.config import Config
    from ctrmoe.training import train

    encoder, prepared = odd_encoder
    config = Config.from_dict(
        {
            "data": {"prepared": str(prepared)},
            "model": {"wide": True},
            "train": {"epochs": 1, "batch_size": 64},
        }
    )
    folder = export(train(config, tmp_path / "run"), tmp_path / "odd")

    shown = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "saved_model_cli"), "show", "--dir", folder]
        + ["--tag_set", "serve", "--signature_def", "serving_default"],
        capture_output=True,
        text=True,
    ).stdout
    for name in ("whole number", "class", "größe/€"):
        assert f"inputs['{name}'] tensor_info" in shown


def test_vocabularies_are_assets(exported, run):
    names = {path.name for path in (exported / "assets").iterdir()}

    assert {"user_id.txt", "item_id.txt"} <= names
    graph = (exported / "saved_model.pb").read_bytes()
    assert len(graph) < 1_000_000
    values = run.encoder.vocabularies["item_id"].values
    assert len(values) > 10 and not any(value.encode() in graph for value in values)


def test_export_stands_alone(exported, tmp_path, test_rows, run):
    """In another place, in a fresh process without our package."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(exported, moved)
    np.savez(
        tmp_path / "rows.npz",
        **{k: v.numpy().astype(str) if v.dtype == tf.string else v.numpy()
           for k, v in raw_tensors(test_rows.head(5), run.schema).items()},
    )  # fmt: skip
    code = (
        "import sys, numpy as np, tensorflow as tf\n"
        f"loaded = tf.saved_model.load({str(moved)!r})\n"
        f"rows = np.load({str(tmp_path / 'rows.npz')!r})\n"
        "answer = loaded.signatures['serving_default'](**{k: tf.constant(rows[k]) for k in rows})\n"
        "assert 'ctrmoe' not in sys.modules\n"
        "print([float(p) for p in answer['click'][:, 0]])"
    )

    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )

    expected = Scorer.load(run.folder).score(test_rows.head(5))["click_probability"]
    assert json.loads(printed.stdout) == pytest.approx(expected.to_list(), abs=1e-6)


def test_versions_count_up_and_are_never_overwritten(run, exported, tmp_path):
    shutil.copytree(exported, tmp_path / "clicks" / "7")

    newest = export(run, tmp_path / "clicks")

    assert newest.name == "8"
    assert sorted(p.name for p in (tmp_path / "clicks").iterdir()) == ["7", "8"]
    with pytest.raises(ConfigError, match="7 exists already. Choose another `--version`"):
        export(run, tmp_path / "clicks", version=7)


@pytest.mark.parametrize("version", [-1, 2**63])
def test_version_that_no_server_reads(run, tmp_path, version):
    with pytest.raises(ConfigError, match=f"`version` must lie between 0 and .*: {version}"):
        export(run, tmp_path / "m", version=version)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("name", ["clicks [old]", "click*", "clicks?", "a\\b"])
def test_path_of_which_tensorflow_makes_a_pattern(run, tmp_path, name):
    with pytest.raises(ConfigError, match="must be without .* makes a pattern. Received: "):
        export(run, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_model_that_disagrees_is_not_exported(run, tmp_path, monkeypatch):
    """The graph of another encoder than the run's: the self-check must notice."""

    class Wrong(RawGraph):
        def __call__(self, raw, shared=None):
            return {name: tf.zeros_like(x) for name, x in super().__call__(raw, shared).items()}

    monkeypatch.setattr("ctrmoe.export.serving_module.RawGraph", Wrong)

    with pytest.raises(RuntimeError, match="must agree with the Keras model to 1e-05"):
        export(run, tmp_path / "clicks")
    assert list((tmp_path / "clicks").iterdir()) == []


def test_unfinished_run(run, tmp_path):
    shutil.copytree(run.folder, tmp_path / "run")
    (tmp_path / "run" / "model.keras").unlink()

    with pytest.raises(ConfigError, match="must hold a finished run.*--resume"):
        export(Run(tmp_path / "run"), tmp_path / "clicks")


def test_classify_and_regress_answer_as_tensorflow_serving_asks(run, exported, test_rows):
    expected = Scorer.load(run.folder).score(test_rows)
    examples = np.array(serialize_examples(test_rows, run.schema), object)

    with served_session(exported) as answer:
        for suffix, task in (("", "click"), ("_click", "click"), ("_conversion", "conversion")):
            classify, regress = f"classify{suffix}", f"regress{suffix}"
            assert answer.signatures[classify].method_name == "tensorflow/serving/classify"
            assert answer.signatures[regress].method_name == "tensorflow/serving/regress"
            classified = answer(classify, {"inputs": examples})
            probability = expected[f"{task}_probability"]
            assert (classified["classes"] == [[b"0", b"1"]] * 700).all()
            np.testing.assert_allclose(classified["scores"][:, 1], probability, atol=1e-6)
            np.testing.assert_allclose(classified["scores"].sum(axis=1), 1, atol=1e-6)
            regressed = answer(regress, {"inputs": examples})
            np.testing.assert_allclose(regressed["outputs"][:, 0], probability, atol=1e-6)
