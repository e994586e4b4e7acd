"""SavedModels that a test can predict itself, in the version folders that servers read."""

import json

import numpy as np

from ctrmoe.data.atomic import atomic_folder

ROWS = 4


def write_version(base, version, inputs=("price",), *, bias=0.0, work=0, metrics=None):
    """Writes `base/<version>/`: the probability of a row is sigmoid(bias + its numbers).

    Args:
        base: The folder above the versions.
        version: Its number.
        inputs: Numbers, of which missing ones count 0.
        bias: Tells versions apart.
        work: Products of matrices that each request waits for.
        metrics: Of validation, for the manifest.
    """
    import tensorflow as tf

    specs = {name: tf.TensorSpec((None, 1), tf.float32, name=name) for name in inputs}

    @tf.function(input_signature=[specs])
    def serve(columns):
        numbers = [tf.where(tf.math.is_nan(x), 0.0, x) for x in columns.values()]
        ones = tf.ones((256, 256)) / 256
        kept = tf.while_loop(lambda i, m: i < work, lambda i, m: (i + 1, m @ ones), (0, ones))[1]
        # The work is part of the answer, or it would be left out; it adds nothing.
        return {"click": tf.sigmoid(tf.add_n(numbers) + bias + 0.0 * kept[0, 0])}

    with atomic_folder(base / str(version)) as folder:
        tf.saved_model.save(tf.Module(), str(folder), signatures={"serving_default": serve})
        (folder / "assets.extra").mkdir()
        manifest = {"format": 1, "version": version, "metrics": {"best": metrics or {}}}
        (folder / "assets.extra" / "manifest.json").write_text(json.dumps(manifest))
        line = json.dumps(_golden(inputs, bias))
        (folder / "assets.extra" / "golden.jsonl").write_text(line + "\n")


def probabilities(*numbers, bias=0.0):
    """The probabilities of rows, by their numbers' columns."""
    return 1 / (1 + np.exp(-np.sum(numbers, axis=0) - bias))


def _golden(inputs, bias):
    numbers = np.linspace(-1, 1, ROWS)
    outputs = probabilities(*[numbers] * len(inputs), bias=bias)
    columns = {name: numbers[:, None].tolist() for name in inputs}
    return {
        "signature": "serving_default",
        "request": {"signature_name": "serving_default", "inputs": columns},
        "response": {"outputs": outputs[:, None].tolist()},
    }
