import keras
import pytest

from ctrmoe.config import Config
from ctrmoe.layers import Field
from ctrmoe.model import build_model
from ctrmoe.schema import Schema
from ctrmoe.training.shared_tensors import shared_tensors

SCHEMA = Schema.from_dict(
    {
        "name": "shop",
        "tasks": [{"name": "click"}, {"name": "order"}, {"name": "refund"}],
        "features": [{"name": name, "kind": "categorical"} for name in ("user", "item")],
    }
)
FIELDS = [Field(name=f.name, kind="categorical", vocabulary_size=9) for f in SCHEMA.features]
DEEP = {"deep": {"units": [4]}}


def shared_layers(**model):
    config = Config.from_dict({"model": {"embedding": {"dim": 4}, **model}})
    built = build_model(SCHEMA, config, fields=[field.to_dict() for field in FIELDS])
    return [tensor._keras_history.operation.name for tensor in shared_tensors(built)]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"interaction": {"kind": "autoint", "num_layers": 1}}, ["interaction"]),
        ({"interaction": {"kind": "infnet", "num_blocks": 1}}, ["infnet"]),
        ({"classifier": {"kind": "mlp", "units": [4]}}, ["classifier"]),
        ({}, ["embedding"]),
        (DEEP, ["deep"]),
        ({**DEEP, "wide": True}, ["deep"]),
        ({**DEEP, "fm": True, "wide": True}, ["deep", "fm"]),
        ({**DEEP, "chains": {"order": "click", "refund": "order"}}, ["deep"]),
    ],
    ids=str,
)
def test_layers_whose_results_every_task_reads(model, expected):
    assert sorted(shared_layers(**model)) == expected


def test_linear_terms_are_no_task_alike():
    with pytest.raises(ValueError, match="must have a part that the tasks click, order, refund"):
        shared_layers(wide=True)


def test_tasks_with_inputs_of_their_own():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, {task: keras.layers.Dense(1)(inputs) for task in ("a", "b")})

    with pytest.raises(ValueError, match="must have a part that the tasks a, b share. Received"):
        shared_tensors(model)
