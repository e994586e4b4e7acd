import re

import keras
import numpy as np
import tensorflow as tf


def test_code_of_the_page_runs_and_what_it_saves_loads(repository, tmp_path, monkeypatch):
    page = (repository / "docs/layers.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}

    for block in blocks:
        exec(compile(block, "docs/layers.md", "exec"), names)
        if "experts.keras" in block:
            experts = names["model"]

    assert len(blocks) == page.count("```python") == 4
    loaded = keras.saving.load_model("experts.keras")
    np.testing.assert_allclose(loaded(names["columns"]), experts(names["columns"]), atol=1e-6)
    one = names["ids"][:1]
    served = tf.saved_model.load("clicks")
    expected = keras.saving.load_model("clicks.keras")(one)
    np.testing.assert_allclose(served.serve(tf.constant(one, "int32")), expected, atol=1e-6)
    assert names["model"](names["columns"])[0].shape == (256,)
