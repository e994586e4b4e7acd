import numpy as np
import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.model import build_model
from ctrmoe.schema import Schema
from ctrmoe.training import compile_model
from ctrmoe.training.gradient_norm import GradientNormWeighting
from ctrmoe.training.uncertainty import UncertaintyWeighting

TASKS = {"tasks": [{"name": "a"}, {"name": "b", "weight": 2.0}]}
SCHEMA = Schema.from_dict({"name": "toy", **TASKS, "features": [{"name": "x", "kind": "numeric"}]})


def compiled(model, **train):
    options = {"optimizer": {"kind": "sgd"}, "learning_rate": 0.1, **train}
    return compile_model(model, Config.from_dict({"train": options}), SCHEMA, steps=10)


def test_fixed_weights_train_the_model_itself(two_heads, batch):
    inputs, labels, weights = batch()
    model = two_heads()

    assert compiled(model) is model
    logs = model.train_on_batch(inputs, labels, sample_weight=weights, return_dict=True)

    assert logs["loss"] == pytest.approx(logs["a_loss"] + 2 * logs["b_loss"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "cls"),
    [("uncertainty", UncertaintyWeighting), ("gradient_norm", GradientNormWeighting)],
)
def test_weights_that_move_start_with_the_fixed_loss(two_heads, batch, name, cls):
    inputs, labels, weights = batch()
    model, other = two_heads(), two_heads()
    compiled(other)
    expected = other.train_on_batch(inputs, labels, sample_weight=weights, return_dict=True)

    fitted = compiled(model, task_weighting=name, gradient_norm_alpha=0.5)
    logs = fitted.train_on_batch(inputs, labels, sample_weight=weights, return_dict=True)

    assert type(fitted) is cls and fitted.model is model
    assert logs == pytest.approx(expected, rel=1e-6)
    assert getattr(fitted, "alpha", 0.5) == 0.5
    for a, b in zip(model.weights, other.weights, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_tasks_that_share_nothing_cannot_be_balanced():
    fields = [{"name": "x", "kind": "numeric"}]
    config = Config.from_dict({"model": {"wide": True}})
    model = build_model(SCHEMA, config, fields=fields)

    with pytest.raises(ConfigError, match="can't be gradient_norm: The model must have a part"):
        compiled(model, task_weighting="gradient_norm")
