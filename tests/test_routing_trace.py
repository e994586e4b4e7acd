"""What the routers of whole models choose."""

import keras
import numpy as np
import pytest

from ctrmoe.config import Config
from ctrmoe.data.encode import Encoder
from ctrmoe.data.encoded import read_encoded
from ctrmoe.metrics import RoutingFigures
from ctrmoe.model import build_model
from ctrmoe.routing_trace import RoutingTrace

EXPERTS = {"kind": "feed_forward", "num_experts": 4, "units": [5]}


@pytest.fixture(scope="module")
def encoder(prepared):
    return Encoder.load(prepared)


@pytest.fixture(scope="module")
def rows(prepared, encoder):
    ((encoded, _),) = read_encoded(prepared / "train", encoder.schema)
    return encoded


def build(encoder, **model):
    return build_model(
        encoder.schema,
        Config.from_dict({"seed": 4, "model": {"embedding": {"dim": 4}, **model}}),
        fields=encoder.fields(),
        num_domains=encoder.num_domains,
    )


def test_figures_are_those_of_all_rows_at_once(encoder, rows):
    router = {"kind": "mlp", "units": [6], "selector": {"kind": "top_k", "k": 2}}
    model = build(encoder, experts=EXPERTS, router=router, mixture={"by_task": True})
    for weight in model.trainable_weights:
        weight.assign(weight * 10)
    mixture = model.get_layer("mixture")
    inputs = {"ids": rows.ids, "sequences": rows.sequences, "values": rows.values}
    hidden = keras.Model(model.input, mixture.input)(inputs)
    expected = {}
    for gate, routing in enumerate(mixture.routing(keras.tree.flatten(hidden)[0])):
        expected[f"mixture/router_{gate}"] = RoutingFigures(4, 6)
        expected[f"mixture/router_{gate}"].update(routing, rows.domain)
    seen = []

    found = RoutingTrace(model).figures([(rows, rows.domain)], 6, progress=seen.append)

    assert found.keys() == expected.keys() == {"mixture/router_0", "mixture/router_1"}
    assert seen == [1024, 2000]
    for name, own in found.items():
        np.testing.assert_allclose(own.load_by_domain, expected[name].load_by_domain, atol=1e-5)
        np.testing.assert_allclose(own.coactivation, expected[name].coactivation, atol=1e-3)
        assert own.domain_information < 0.1
    first, second = (own.load for own in found.values())
    assert np.abs(first - second).max() > 0.01


def test_router_gets_the_domain_of_each_row(encoder, rows):
    experts = {"kind": "feed_forward", "units": [5]}
    model = build(encoder, experts=experts, router={"kind": "domain"})
    halves = [np.arange(900), np.arange(900, 2000)]
    parts = [(_take(rows, half), rows.domain[half]) for half in halves]

    (found,) = RoutingTrace(model).figures(parts, 6).values()

    # Ids 3 to 5 are the domains, which have the experts 1 to 3.
    np.testing.assert_allclose(found.load_by_domain[3:], np.eye(4)[1:])
    assert found.rows == 2000
    assert found.domain_share == pytest.approx(1)
    assert not found.decides


def test_model_without_routers(encoder, rows):
    trace = RoutingTrace(build(encoder, deep={"units": [4]}))

    assert trace.routers == {}
    assert trace.figures([(rows, None)]) == {}


def _take(rows, chosen):
    return type(rows)(
        rows.ids[chosen], rows.sequences[chosen], rows.values[chosen], rows.domain[chosen]
    )


def test_routers_of_a_stack_are_found(encoder, rows):
    model = build(
        encoder,
        experts=EXPERTS,
        router={"kind": "linear", "selector": {"kind": "top_k", "k": 2}},
        mixture={"num_layers": 2, "by_task": True},
    )
    stack = model.get_layer("mixture")
    inputs = {"ids": rows.ids, "sequences": rows.sequences, "values": rows.values}
    hidden = keras.tree.flatten(keras.Model(model.input, stack.input)(inputs))[0]

    found = RoutingTrace(model).figures([(rows, None)])

    names = ["mixture_0/router_0", "mixture_1/router_0", "mixture_1/router_1"]
    assert list(found) == [f"mixture/{name}" for name in names]
    routings = [routing for level in stack.routing(hidden) for routing in level]
    for own, routing in zip(found.values(), routings, strict=True):
        expected = RoutingFigures(4)
        expected.update(routing)
        np.testing.assert_allclose(own.load, expected.load, atol=1e-4)
        assert own.rows == 2000
