"""The parts between the interaction and the logits, as configs ask for them."""

import dataclasses

import keras
import numpy as np
import pytest

from ctrmoe.config import Config, ConfigError
from ctrmoe.data.encode import Encoder
from ctrmoe.model import build_model
from ctrmoe.prediction import reads_domain

TOWERS = {"towers": "domain", "tower": {"units": [6]}}


@pytest.fixture(scope="module")
def encoder(prepared):
    return Encoder.load(prepared)


def build(encoder, **model):
    return build_model(
        encoder.schema,
        Config.from_dict({"model": {"embedding": {"dim": 4}, **model}}),
        fields=encoder.fields(),
        num_domains=encoder.num_domains,
    )


def rows(encoder, count=6, *, domain=(1, 2, 3, 4, 5, 3)):
    random = np.random.default_rng(0)
    inputs = {
        name: random.integers(0, 5, (count, width)).astype(np.int32)
        if dtype == "int32"
        else random.normal(size=(count, width)).astype(np.float32)
        for name, (width, dtype) in encoder.schema.input_widths.items()
    }
    return {**inputs, "domain": np.array(domain, np.int32)[:, None]}


def predict(model, inputs):
    names = [tensor.name for tensor in model.inputs]
    return {
        task: np.asarray(logit)
        for task, logit in model({name: inputs[name] for name in names}).items()
    }


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"interaction": {"kind": "autoint", "key_dim": 4}}, False),
        ({"experts": {"kind": "feed_forward", "num_experts": 3, "units": [5]}}, False),
        (TOWERS, True),
        ({"domain_normalization": True}, True),
        ({"auxiliary": {"units": [4]}}, True),
    ],
)
def test_domain_is_an_input_where_a_part_reads_it(encoder, options, expected):
    assert reads_domain(build(encoder, **options)) is expected


def test_number_of_domains_counts_the_unknown_one(encoder):
    assert encoder.num_domains == 4  # three placements
    assert build(encoder, **TOWERS).get_layer("click_tower").num_domains == 4


def test_missing_and_unknown_domains_share_a_tower_that_training_moves(encoder):
    model = build(encoder, **TOWERS, domain_dropout=0.4)
    inputs = rows(encoder)
    same = {name: np.repeat(matrix[:1], 6, axis=0) for name, matrix in inputs.items()}
    same["domain"] = inputs["domain"]

    logits = predict(model, same)["click"]

    assert logits[0] == logits[1]  # missing, unknown
    assert len(set(logits[1:5].tolist())) == 4
    bank = model.get_layer("click_tower").experts.bank
    before = np.array(bank.kernels[0])
    model.compile("sgd", {task: "mse" for task in ("click", "conversion")})
    known = {**same, "domain": np.full((6, 1), 3, np.int32)}
    model.fit(known, {task: np.ones(6) for task in ("click", "conversion")}, epochs=8, verbose=0)
    moved = np.abs(np.array(bank.kernels[0]) - before).max(axis=(1, 2)) > 0
    assert moved.tolist() == [True, True, False, False]


def test_schema_without_a_domain_gives_every_row_the_same_part(encoder, caplog):
    schema = dataclasses.replace(encoder.schema, domain="")
    config = Config.from_dict({"model": {**TOWERS, "domain_normalization": True}})

    model = build_model(schema, config, fields=encoder.fields())

    assert not reads_domain(model)
    assert model.get_layer("click_tower").num_domains == 1
    assert np.isfinite(predict(model, rows(encoder))["click"]).all()
    assert "the schema names no `domain`: all rows are of one" in caplog.text


def test_experts_may_be_the_towers_of_every_task(encoder):
    model = build(
        encoder,
        towers="experts",
        router={"kind": "domain"},
        experts={"kind": "product", "units": [5]},
    )

    mixture = model.get_layer("mixture")

    assert [weight.shape for weight in mixture.trainable_weights if "bias_1" in weight.path][0] == (
        4,
        1,
    )
    assert {task: logit.shape for task, logit in model.output.items()} == {
        "click": (None,),
        "conversion": (None,),
    }
    logits = predict(model, rows(encoder))
    assert not np.allclose(logits["click"], logits["conversion"])


def test_mixture_by_task_has_a_router_a_task(encoder):
    model = build(
        encoder,
        router={"kind": "per_domain"},
        experts={"kind": "feed_forward", "num_experts": 3, "units": [5]},
        mixture={"by_task": True, "balance": [{"kind": "switch", "by_domain": True}]},
    )

    mixture = model.get_layer("mixture")

    assert mixture.num_gates == 2
    assert mixture.routers[0].scorer.num_domains == 4
    assert mixture.balances[0].num_domains == 4
    assert model.get_layer("click_tower").input.shape == (None, 5)


def test_auxiliary_network_adds_to_the_logit(encoder):
    model = build(encoder, auxiliary={"units": [4], "embedding_dim": 3})
    inputs = rows(encoder)

    parts = keras.Model(
        model.input,
        [model.get_layer(f"click_{name}").output for name in ("tower", "auxiliary_tower")],
    )(inputs)

    np.testing.assert_allclose(predict(model, inputs)["click"], sum(parts), atol=1e-6)
    assert model.get_layer("auxiliary_domain").vectors.shape == (4, 3)


@pytest.mark.parametrize("interaction", ["infnet", "fgcnn"])
def test_any_interaction_may_stand_in_front(encoder, interaction):
    model = build(encoder, interaction={"kind": interaction}, **TOWERS)

    assert np.isfinite(predict(model, rows(encoder))["conversion"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"towers": "experts"}, "`experts` must be given where they are the towers"),
        ({"towers": "domain", "tower": {"unit": [3]}}, "Did you mean 'units'"),
        ({"domain_network": {"kind": "pple"}}, "`kind` must be one of"),
        (
            {
                "router": {"kind": "linear", "selector": {"kind": "top_k", "k": 4}},
                "experts": {"kind": "feed_forward", "num_experts": 3, "units": [5]},
            },
            "`k` must be at most the number of experts, 3. Received: k=4",
        ),
        ({"towers": "all"}, "`model.towers` must be one of 'shared', 'domain', 'experts'"),
        (
            {
                "experts": {"kind": "feed_forward", "num_experts": 3, "units": [5]},
                "mixture": {"num_gates": 3},
            },
            "`num_gates` must be left out: it follows from the tasks. Received: num_gates=3",
        ),
        ({"domain_dropout": 1.0}, r"`model.domain_dropout` must lie in \[0, 1\)"),
    ],
)
def test_bad_options_are_named(encoder, options, message):
    with pytest.raises(ConfigError, match=message):
        build(encoder, **options)


def test_own_and_shared_experts_are_counted_by_the_domains(encoder):
    model = build(
        encoder,
        router={"kind": "own_and_shared", "own_experts": 2, "shared_experts": 3},
        experts={"kind": "feed_forward", "units": [5]},
    )

    mixture = model.get_layer("mixture")

    assert mixture.experts.num_experts == 4 * 2 + 3
    assert mixture.experts.rows_per_domain == 2
    index = np.array(
        mixture.routing(np.ones((1, 36), "float32"), {"domain": np.array([1])})[0]["index"]
    )
    assert set(index[0].tolist()) == {2, 3, 8, 9, 10}


def test_mixtures_may_follow_each_other(encoder):
    model = build(
        encoder,
        router={"kind": "linear", "selector": {"kind": "top_k", "k": 2}},
        experts={"kind": "feed_forward", "num_experts": 3, "units": [5]},
        mixture={"num_layers": 2, "by_task": True, "residual": True},
    )

    stack = model.get_layer("mixture")

    assert [mixture.num_gates for mixture in stack.mixtures] == [1, 2]
    assert model.get_layer("click_tower").input.shape == (None, 5)
    assert np.isfinite(predict(model, rows(encoder))["click"]).all()
