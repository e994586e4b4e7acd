"""P11: models load in a fresh process without `custom_objects` and predict the same.

Keras looks custom classes up among those that have been registered, and imports no module by the
name in the file. So `.keras` files need `import ctrmoe.model`, or `import ctrmoe.training` for the
optimizer and the losses too. SavedModels need nothing of ours.
"""

import json

import numpy as np
import pytest

from ctrmoe.config import Config
from ctrmoe.data.dataset import pack
from ctrmoe.export.raw_tensors import raw_tensors
from ctrmoe.model import build_model

VARIANTS = {
    "a projected table": {"embedding": {"dim": 8, "dims": {"item": 3}, "l2": 1e-4}},
    "a linear term": {"wide": True},
    "an MLP alone": {"interaction": {}, "deep": {"units": [8, 4]}},
    "a tower": {"tower": {"units": [8]}, "block_size": 0},
    "blocks under XLA": {"compile": "xla", "block_size": 64},
}
PREDICT = """
import json, sys
import numpy as np
import {module}
import keras

batch = dict(np.load(sys.argv[1]))
for name, path in json.loads(sys.argv[2]).items():
    model = keras.saving.load_model(path, compile={compile})
    logits = model(batch, training=False)
    print(json.dumps([name, {{task: np.array(x).tolist() for task, x in logits.items()}}]))
"""
SERVE = """
import json, sys
import tensorflow as tf

loaded = tf.saved_model.load(sys.argv[1])
requests = json.load(open(sys.argv[2]))
signature = loaded.signatures["serving_default"]
types = {n: s.dtype for n, s in signature.structured_input_signature[1].items()}
inputs = {name: tf.constant(rows, types[name]) for name, rows in requests.items()}
assert not [m for m in sys.modules if m.split(".")[0] == "ctrmoe"]
print(json.dumps(signature(**inputs)["click"].numpy()[:, 0].tolist()))
"""


@pytest.fixture(scope="module")
def batch(every_kind_run, every_kind):
    return pack(every_kind_run.encoder.encode(every_kind(128, 11)))


@pytest.fixture(scope="module")
def models(every_kind_run, repository):
    """A model of every named config and of further variants, with drawn weights."""
    named = sorted((repository / "pipelines" / "configs").glob("**/*.toml"))
    configs = {path.stem: Config.load(path) for path in named}
    assert {"autoint", "autoint_plus"} <= set(configs)
    base = configs["autoint"].to_dict()
    for name, model in VARIANTS.items():
        configs[name] = Config.from_dict({**base, "model": {**base["model"], **model}})
    rng = np.random.default_rng(0)
    built = {}
    for name, config in configs.items():
        model = build_model(every_kind_run.schema, config, fields=every_kind_run.encoder.fields())
        for variable in model.trainable_variables:
            variable.assign(rng.normal(0, 0.1, variable.shape))
        built[name] = model
    return built


def predict_afresh(fresh_python, module, paths, batch, folder, compile=False):
    np.savez(folder / "batch.npz", **batch)
    code = PREDICT.format(module=module, compile=compile)
    printed = fresh_python(code, folder / "batch.npz", json.dumps(paths))
    return dict(map(json.loads, printed.splitlines()))


@pytest.mark.slow
def test_p11_keras_files_of_every_model(models, batch, fresh_python, tmp_path):
    paths = {name: str(tmp_path / f"{i}.keras") for i, name in enumerate(models)}
    for name, model in models.items():
        model.save(paths[name])

    predicted = predict_afresh(fresh_python, "ctrmoe.model", paths, batch, tmp_path)

    assert set(predicted) == set(models)
    for name, model in models.items():
        expected = model(batch, training=False)["click"]
        assert np.std(expected) > 1e-4
        np.testing.assert_allclose(
            predicted[name]["click"], expected, rtol=1e-6, atol=1e-6, err_msg=name
        )


@pytest.mark.slow
def test_p11_compiled_model_of_a_run(every_kind_run, batch, fresh_python, tmp_path):
    paths = {"run": str((every_kind_run.folder / "model.keras").resolve())}

    predicted = predict_afresh(fresh_python, "ctrmoe.training", paths, batch, tmp_path, True)

    expected = every_kind_run.model(batch, training=False)["click"]
    np.testing.assert_allclose(predicted["run"]["click"], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_p11_exported_model(
    every_kind_export, every_kind_run, every_kind, answers, fresh_python, tmp_path
):
    rows = every_kind(50, 12).drop("click")
    schema = every_kind_run.schema
    requests = {
        name: [[v.decode() if isinstance(v, bytes) else v for v in row] for row in tensor.tolist()]
        for name, tensor in ((n, t.numpy()) for n, t in raw_tensors(rows, schema).items())
    }
    (tmp_path / "requests.json").write_text(json.dumps(requests))

    printed = fresh_python(SERVE, every_kind_export, tmp_path / "requests.json")

    np.testing.assert_allclose(json.loads(printed), answers(rows)["run"], atol=1e-6)
