import numpy as np
import polars as pl
import pytest
import tensorflow as tf

from ctrmoe.config import Config
from ctrmoe.data.prepare import prepare
from ctrmoe.schema import Schema
from ctrmoe.training import train
from ctrmoe.training.routing_monitor import RoutingMonitor

MODEL = {
    "embedding": {"dim": 4},
    "router": {"kind": "linear", "use_bias": True, "selector": {"kind": "top_k", "k": 2}},
    "experts": {"kind": "feed_forward", "num_experts": 3, "units": [5]},
}


@pytest.fixture(scope="module")
def trained(prepared, tmp_path_factory):
    """A run of two epochs with a mixture."""
    table = {"data": {"prepared": str(prepared)}, "model": MODEL}
    table["train"] = {"epochs": 2, "batch_size": 256, "learning_rate": 0.02}
    return train(Config.from_dict(table), tmp_path_factory.mktemp("mixture") / "run")


def scalars(run):
    """The scalars of a run's event files by name: their values by epoch."""
    found = {}
    for path in sorted((run.folder / "logs").iterdir()):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = float(tf.make_ndarray(value.tensor))
    return found


def test_event_files_hold_the_routing_of_every_epoch(trained):
    found = scalars(trained)

    own = {name.removeprefix("mixture/router_0/") for name in found if "router_0" in name}
    assert own == {
        "largest_load", "smallest_load", "dead_experts", "gate_entropy", "probability_entropy",
        "domain_information", "domain_share", "load/expert_0", "load/expert_1", "load/expert_2",
    }  # fmt: skip
    for epoch in (1, 2):
        loads = [found[f"mixture/router_0/load/expert_{expert}"][epoch] for expert in range(3)]
        assert sum(loads) == pytest.approx(1)
        assert max(loads) == pytest.approx(found["mixture/router_0/largest_load"][epoch])
        assert 0 < found["mixture/router_0/gate_entropy"][epoch] <= np.log(2) / np.log(3)
    assert found["mixture/router_0/gate_entropy"][1] != found["mixture/router_0/gate_entropy"][2]
    assert "valid_auc" in found


def test_history_has_no_column_of_routers(trained):
    columns = pl.read_csv(trained.folder / "history.csv").columns

    assert "valid_auc" in columns
    assert not [name for name in columns if "/" in name]


def test_collapsed_router_is_named(trained, prepared):
    model = trained.model
    monitor = RoutingMonitor(model, prepared / "valid", trained.schema)
    assert monitor.warnings() == trained.metrics["warnings"]
    weights = model.get_layer("mixture").routers[0].scorer.trainable_weights
    for weight in weights:
        weight.assign(weight * 0)
    weights[-1].assign([8.0, 4.0, 0.0])

    assert monitor.warnings() == [
        "mixture/router_0: The router has collapsed: expert 0 has 98.2% of the load.",
        "mixture/router_0: Expert 2 is dead: less than 0.01 of the load.",
    ]


def test_rows_are_few_and_lie_all_over_the_part(trained, tmp_path):
    frame = pl.DataFrame({"x": np.arange(150_000) // 50_000, "y": np.arange(150_000) % 2})
    features = [{"name": "x", "kind": "categorical"}]
    table = {"name": "t", "domain": "x", "tasks": [{"name": "y"}], "features": features}
    prepare(Schema.from_dict(table), frame, out=tmp_path / "prepared")
    schema = Schema.load(tmp_path / "prepared" / "schema.toml")

    monitor = RoutingMonitor(trained.model, tmp_path / "prepared" / "train", schema, rows=300)

    domains = np.concatenate([part.domain for part in monitor._parts])
    assert 290 < len(domains) <= 300
    np.testing.assert_allclose(np.unique(domains, return_counts=True)[1], 100, atol=5)


def test_model_without_routers_reads_no_rows(run, tmp_path):
    monitor = RoutingMonitor(run.model, tmp_path / "absent", run.schema)

    assert monitor.scalars() == {}
    assert monitor.warnings() == run.metrics["warnings"] == []
