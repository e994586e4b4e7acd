"""P7: no operation of a whole training step is as large as the tables.

The times at 10 million rows are in `benchmarks/optimizer_step.py`, the equality with dense updates
in `tests/optimizers`.
"""

import pytest
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.layers import Field
from ctrmoe.model import build_model
from ctrmoe.schema import Schema
from ctrmoe.training import compile_model

USERS, ITEMS = 4_001, 6_007
SCHEMA = Schema.from_dict(
    {
        "name": "large",
        "tasks": [{"name": "click"}, {"name": "order"}],
        "features": [
            {"name": "user", "kind": "categorical"},
            {"name": "item", "kind": "categorical"},
            {"name": "history", "kind": "sequence", "max_length": 3, "vocabulary": "item"},
            {"name": "price", "kind": "numeric"},
        ],
    }
)
FIELDS = [
    Field(name="user", kind="categorical", vocabulary_size=USERS),
    Field(name="item", kind="categorical", vocabulary_size=ITEMS),
    Field(name="history", kind="sequence", vocabulary_size=ITEMS, length=3, table="item"),
    Field(name="price", kind="numeric"),
]


def table_sized_operations(optimizer, dims, weighting="fixed"):
    """Names of the operations of Keras's training step whose result has as many rows as a table."""
    config = Config.from_dict(
        {
            "model": {
                "embedding": {"dim": 4, "dims": dims, "l2": 1e-4, "dropout": 0.1},
                "interaction": {"kind": "autoint", "num_layers": 1, "num_heads": 2, "key_dim": 4},
                "deep": {"units": [8]},
                "wide": True,
            },
            "train": {
                "batch_size": 16,
                "optimizer": optimizer,
                "schedule": "cosine",
                "task_weighting": weighting,
            },
        }
    )
    model = build_model(SCHEMA, config, fields=[field.to_dict() for field in FIELDS])
    model = compile_model(model, config, SCHEMA, steps=10)
    model.optimizer.build(model.trainable_variables)
    inputs = {name: tf.TensorSpec((16, w), t) for name, (w, t) in SCHEMA.input_widths.items()}
    column = {task.name: tf.TensorSpec((16,), tf.float32) for task in SCHEMA.tasks}
    step = tf.function(lambda *batch: model.train_step(batch))

    graph = step.get_concrete_function(inputs, column, column).graph
    definition = graph.as_graph_def(add_shapes=True)
    nodes = [*definition.node, *(n for f in definition.library.function for n in f.node_def)]
    rows = {v.shape[0] for v in model.trainable_variables if v.path.endswith("/table")}
    assert rows and min(rows) >= USERS
    return [
        node.op
        for node in nodes
        for shape in node.attr["_output_shapes"].list.shape
        if shape.dim and shape.dim[0].size in rows
    ]


@pytest.mark.parametrize("dims", [{}, {"user": 2}], ids=["one table", "two tables"])
@pytest.mark.parametrize("kind", ["adagrad", "lazy_adam", "ftrl"])
def test_p7_step_has_no_operation_as_large_as_a_table(kind, dims):
    options = {"kind": kind, "global_clipnorm": 1.0, "weight_decay": 1e-4}

    assert table_sized_operations(options, dims) == []


@pytest.mark.parametrize("weighting", ["uncertainty", "gradient_norm"])
def test_p7_nor_has_one_that_weighs_the_tasks(weighting):
    assert table_sized_operations({"kind": "lazy_adam"}, {}, weighting) == []


def test_p7_operations_of_keras_adam_are_seen():
    assert table_sized_operations({"kind": "adam"}, {})
