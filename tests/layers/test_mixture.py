import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from ctrmoe.layers import EXPERTS, Mixture
from ctrmoe.layers.dispatch import dispatch
from ctrmoe.layers.routing import ADJUSTS, SCORERS, SELECTORS, Router

HIDDEN, UNITS, DOMAINS = 6, 3, 4
BANKS = {
    "feed_forward": {"units": [5, UNITS], "activation": "tanh"},
    "gated_linear": {"hidden_units": 5, "units": UNITS},
    "product": {"units": [5, UNITS], "expert_initializer": "glorot_uniform"},
}
ALLOWED = [[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]
ROUTERS = {
    "linear-softmax": {},
    "mlp-top_k": {"kind": "mlp", "units": [5], "selector": {"kind": "top_k", "k": 2}},
    "linear-top_1": {"selector": {"kind": "top_k", "k": 1}},
    "linear-noise-load_bias-top_k": {
        "adjusts": [{"kind": "noise", "seed": 1}, {"kind": "load_bias"}],
        "selector": {"kind": "top_k", "k": 2},
    },
    "linear-domain_mask-top_p": {
        "adjusts": [{"kind": "domain_mask", "allowed": ALLOWED}],
        "selector": {"kind": "top_p", "p": 0.7},
    },
    "domain-hard": {"kind": "domain"},
    "per_domain-softmax": {"kind": "per_domain", "num_domains": DOMAINS},
    "own_and_shared-top_k": {"kind": "own_and_shared", "num_domains": 3, "shared_experts": 1},
    "cluster-hard": {"kind": "cluster", "seed": 2},
    "cluster-softmax": {"kind": "cluster", "seed": 2, "selector": {"kind": "softmax"}},
}
EVERY = list(itertools.product(BANKS, ROUTERS))


def mixture_of(bank, router, **options):
    experts = {"kind": bank, "num_experts": DOMAINS, **BANKS[bank]}
    return Mixture(experts, router=ROUTERS[router], **options)


@pytest.fixture
def x(random):
    return random.normal(size=(7, HIDDEN)).astype("float32")


@pytest.fixture
def context():
    return {"domain": np.array([0, 1, 2, 3, 1, 1, 0], "int32")}


@pytest.fixture(params=EVERY, ids="-".join)
def every(request, x, context, randomize):
    """Each kind of experts behind each kind of router, with weights that are not their first."""
    mixture = mixture_of(*request.param)
    mixture(x, context)
    randomize(mixture)
    return mixture


def test_every_registered_part_is_among_them():
    routers = [Router(DOMAINS, **options) for options in ROUTERS.values()]

    assert set(BANKS) == set(EXPERTS)
    assert {router.kind for router in routers} == set(SCORERS)
    assert {router.selector_options["kind"] for router in routers} == set(SELECTORS)
    adjusts = {adjust["kind"] for router in routers for adjust in router.adjusts_options}
    assert adjusts == set(ADJUSTS)


def test_forms_of_dispatch_agree(every, x, context):
    results = []
    for method in ("dense", "blocked", "fused"):
        if method != "fused" or every.experts.fuses:
            every.dispatch = method
            results.append(every(x, context))

    for result in results[1:]:
        np.testing.assert_allclose(result, results[0], atol=1e-5)


def test_prediction_of_a_row_is_its_own(every, x, context):
    together = every(x, context)

    for row in range(len(x)):
        alone = every(x[row : row + 1], {"domain": context["domain"][row : row + 1]})
        np.testing.assert_allclose(alone[0], together[row], atol=1e-6)


def test_every_expert_and_router_learns(every, x, context):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(every(x, context, training=True)))
    for weight, gradient in zip(
        every.trainable_weights,
        tape.gradient(loss, [weight.value for weight in every.trainable_weights]),
        strict=True,
    ):
        gradient = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(gradient).all()
        assert np.abs(gradient).max() > 0, weight.path


@pytest.mark.parametrize(
    ("bank", "router"),
    [case for case in EVERY if case[0] == "feed_forward" or case[1] == "mlp-top_k"],
)
def test_reloads_inside_a_model_exports_and_compiles(bank, router, x, context, tmp_path):
    inputs = {
        "x": keras.Input((HIDDEN,), name="x"),
        "domain": keras.Input((), dtype="int32", name="domain"),
    }
    y = mixture_of(bank, router)(inputs["x"], {"domain": inputs["domain"]})
    model = keras.Model(inputs, keras.layers.Dense(1)(y))
    rows = {"x": x, **context}

    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    model.export(tmp_path / "export", verbose=False)
    served = tf.saved_model.load(tmp_path / "export")

    compiled = tf.function(model, jit_compile=True)

    np.testing.assert_array_equal(loaded(rows), model(rows))
    np.testing.assert_allclose(compiled(rows), model(rows), atol=1e-5)
    for part in (slice(0, 1), slice(None)):
        some = {name: tf.constant(column[part]) for name, column in rows.items()}
        np.testing.assert_allclose(served.serve(some), model(some), atol=1e-5)


def test_tokens_are_routed_one_by_one(x, context, random):
    mixture = mixture_of("feed_forward", "linear-domain_mask-top_p")
    tokens = random.normal(size=(7, 2, HIDDEN)).astype("float32")

    y = mixture(tokens, context)

    assert y.shape == (7, 2, UNITS)
    np.testing.assert_allclose(y[:, 1], mixture(tokens[:, 1], context), atol=1e-6)


def test_gates_share_the_experts(x, randomize):
    mixture = mixture_of("feed_forward", "linear-softmax", num_gates=2)
    y = mixture(x)
    randomize(mixture)
    results = mixture.experts(x).numpy()

    y = mixture(x)

    assert y.shape == (7, 2, UNITS)
    for gate, routing in enumerate(mixture.routing(x)):
        expected = np.einsum("te,teu->tu", routing["gate"], results)
        np.testing.assert_allclose(y[:, gate], expected, atol=1e-5)
    assert np.abs(y[:, 0] - y[:, 1]).max() > 0.01


@pytest.mark.parametrize("num_gates", [1, 2])
@pytest.mark.parametrize("shared_experts", [0, 1])
def test_banks_have_one_routing_or_one_each(x, randomize, num_gates, shared_experts):
    mixture = mixture_of(
        "product", "mlp-top_k", num_banks=2, num_gates=num_gates, shared_experts=shared_experts
    )
    mixture.build(x.shape)
    randomize(mixture)

    y = mixture(x)

    assert y.shape == (7, 2, UNITS) == mixture(keras.Input((HIDDEN,), 7)).shape
    routings = mixture.routing(x) * (2 // num_gates)
    assert len(mixture.routers) == num_gates
    for result, (routing, bank) in enumerate(zip(routings, mixture.banks, strict=True)):
        expected = np.einsum(
            "tk,tku->tu",
            routing["gate"],
            np.take_along_axis(bank(x).numpy(), routing["index"].numpy()[..., None], axis=1),
        )
        for shared in mixture.shared[result : result + 1]:
            expected += np.sum(shared(x), axis=1)
        np.testing.assert_allclose(y[:, result], expected, atol=1e-5)


def test_domains_own_experts_are_known_of_the_bank():
    mixture = Mixture(
        {"kind": "feed_forward", "num_experts": 7, "units": [3]},
        router={"kind": "own_and_shared", "num_domains": 3, "own_experts": 2},
    )

    assert mixture.experts.rows_per_domain == 2
    assert mixture.needs == ("domain",)


def test_shared_experts_are_added(x):
    mixture = mixture_of("feed_forward", "mlp-top_k", shared_experts=2)
    y = mixture(x)
    alone = mixture_of("feed_forward", "mlp-top_k")
    alone.build(x.shape)
    for weight, source in zip(
        alone.weights, [*mixture.experts.weights, *mixture.routers[0].weights], strict=True
    ):
        weight.assign(source)

    expected = alone(x) + np.sum(mixture.shared[0](x), axis=1)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_equal_experts_are_one_expert(every, x, context):
    for weight in every.experts.weights_by_expert:
        weight.assign(np.repeat(weight.numpy()[:1], DOMAINS, axis=0))

    one = every.experts(x).numpy()[:, 2]
    shares = np.sum(every.routing(x, context)[0]["gate"], axis=1, keepdims=True)
    np.testing.assert_allclose(every(x, context), shares * one, atol=1e-5)


def test_order_of_the_experts_does_not_count(every, x, context):
    order = np.array([2, 0, 3, 1])
    logits = every.routing(x, context)[0]["logits"].numpy()
    select, bank = every.routers[0].selector, every.experts
    (expected,) = dispatch(x, [select({"logits": logits, "scores": logits})], bank)

    for weight in bank.weights_by_expert:
        weight.assign(weight.numpy()[order])
    moved = select({"logits": logits[:, order], "scores": logits[:, order]})

    np.testing.assert_allclose(dispatch(x, [moved], bank)[0], expected, atol=1e-5)


@pytest.mark.parametrize("bank", BANKS)
def test_one_expert_is_that_network(bank, x):
    mixture = Mixture({"kind": bank, "num_experts": 1, **BANKS[bank]})

    np.testing.assert_allclose(mixture(x), mixture.experts(x)[:, 0], atol=1e-6)


@pytest.mark.parametrize(("bank", "router"), EVERY)
def test_half_precision_and_absent_domains_are_finite(bank, router, x):
    balance = [{"kind": "switch", "num_domains": DOMAINS}, "importance", "z"]
    mixture = mixture_of(bank, router, balance=balance, dtype="mixed_bfloat16")
    context = {"domain": np.full(len(x), 3, "int32")}

    y = mixture(x, context, training=True)
    (routing,) = mixture.routing(x, context)

    assert y.dtype == "bfloat16" and np.isfinite(np.array(y, "float32")).all()
    assert np.isfinite(mixture.losses).all() and len(mixture.losses) == 3
    index, gate = routing["index"].numpy(), routing["gate"].numpy()
    assert routing["logits"].dtype == routing["gate"].dtype == "float32"
    assert ((index >= 0) & (index <= DOMAINS)).all()
    assert (gate >= 0).all() and (gate[index == DOMAINS] == 0).all()
    assert (gate.sum(axis=1) <= 1 + 1e-6).all() and (gate.sum(axis=1) > 0).all()


def test_losses_are_added_while_training_and_have_metrics(x, context):
    balance = [
        {"kind": "switch", "weight": 0.5, "num_domains": DOMAINS},
        {"kind": "switch", "weight": 0.0},
        {"kind": "z", "weight": 0.0},
    ]
    mixture = mixture_of("feed_forward", "mlp-top_k", balance=balance, name="own")

    mixture(x, context)
    assert mixture.losses == []
    mixture(x, context, training=True)

    metrics = {metric.name: float(metric.result()) for metric in mixture.metrics}
    assert set(metrics) == {"own_switch_loss", "own_switch_loss_2", "own_z_loss"}
    by_domain = metrics["own_switch_loss"]
    assert by_domain != metrics["own_switch_loss_2"]
    np.testing.assert_allclose(sum(mixture.losses), 0.5 * by_domain, rtol=1e-6)


def test_scheduled_weight_follows_the_steps_and_is_saved(x, tmp_path):
    weight = {"kind": "linear", "start": 1.0, "end": 0.0, "steps": 4}
    inputs = keras.Input((HIDDEN,))
    mixture = mixture_of(
        "feed_forward",
        "linear-softmax",
        balance=[{"kind": "importance", "weight": weight}],
        name="mixture",
    )
    model = keras.Model(inputs, mixture(inputs))
    model.compile("sgd", "mse", jit_compile=True)

    def share():
        """Of the loss that the mixture adds in a training step."""
        layer(x, training=True)
        (added,) = layer.losses
        (routing,) = layer.routing(x)
        return float(added / layer.balances[0](routing, context={}))

    layer = mixture
    assert share() == pytest.approx(1, rel=1e-5)
    model.fit(x, np.ones((7, UNITS)), batch_size=7, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    layer = keras.saving.load_model(tmp_path / "model.keras").get_layer("mixture")

    assert int(layer.step) == 3
    assert [share(), share()] == pytest.approx([0.25, 0], rel=1e-4)


def test_scheduled_noise_ends(x):
    stddev = {"kind": "cosine", "start": 5.0, "end": 0.0, "steps": 2}
    adjusts = [{"kind": "noise", "stddev": stddev, "seed": 1}]
    mixture = Mixture(
        {"kind": "feed_forward", "num_experts": 3, "units": [UNITS]}, router={"adjusts": adjusts}
    )
    quiet = mixture(x)

    differences = [np.abs(mixture(x, training=True) - quiet).max() for _ in range(4)]

    assert min(differences[:2]) > 0.01
    assert max(differences[2:]) < 1e-6


def test_fit_compiled_and_not_gives_the_same_losses(x, context):
    losses = []
    for jit in (False, True):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((HIDDEN,))
        y = mixture_of("feed_forward", "mlp-top_k", balance=[{"kind": "switch"}])(inputs)
        model = keras.Model(inputs, keras.layers.Dense(1)(y))
        model.compile("sgd", "mse", jit_compile=jit)
        history = model.fit(x, np.ones((7, 1)), batch_size=4, epochs=2, shuffle=False, verbose=0)
        losses.append(history.history["loss"])

    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)


def test_context_that_a_loss_lacks_is_named(x):
    mixture = mixture_of(
        "feed_forward", "linear-softmax", balance=[{"kind": "switch", "num_domains": 3}]
    )

    with pytest.raises(ValueError, match="`context` must hold domain. Received: \\[\\]"):
        mixture(x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dispatch": "sparse"}, "`dispatch` must be one of"),
        ({"num_gates": 0}, "`num_gates` must be a positive integer"),
        ({"num_banks": 3, "num_gates": 2}, "`num_gates` must be 1 or the number of banks, 3"),
        ({"shared_experts": -1}, "`shared_experts` must be a positive integer"),
        ({"balance": [{"kind": "swich"}]}, "Did you mean 'switch'"),
        ({"balance": ["swich"]}, "Did you mean 'switch'"),
        ({"balance": [3]}, "`balance` must be options or a kind. Received: balance=3"),
        ({"experts": "feed_forward"}, "`num_experts` must be given for 'feed_forward'"),
        ({"experts": {"num_experts": 2}}, "`kind` must be one of feed_forward, .*kind=''"),
        ({"router": "cluser"}, "Did you mean 'cluster'"),
        ({"router": {"kind": "linear", "units": 3}}, "`units` must be an option"),
    ],
)
def test_argument_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        Mixture(**{"experts": {"kind": "feed_forward", "num_experts": 2, "units": [3]}, **options})


def test_parts_may_be_given_by_their_kind_alone(x):
    mixture = mixture_of("feed_forward", "cluster-hard", balance=["z"])
    short = Mixture(mixture.experts_options, router="cluster", balance=["z"])

    assert short.get_config()["balance"] == mixture.get_config()["balance"] == [{"kind": "z"}]
    assert short.get_config()["router"] == {"kind": "cluster"}
    assert short(x).shape == (7, UNITS)


def test_wrong_inputs_are_named(x, context):
    mixture = mixture_of("feed_forward", "domain-hard")

    with pytest.raises(ValueError, match="expected min_ndim=2, found ndim=1"):
        mixture(x[0], context)
    with pytest.raises(ValueError, match=r"`domain` must hold one number.*shape=\(7, 1\)"):
        mixture(x, {"domain": context["domain"][:, None]})
