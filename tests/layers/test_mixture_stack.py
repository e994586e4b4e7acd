import keras
import numpy as np
import pytest

from ctrmoe.layers import Mixture, MixtureStack

ROWS = np.random.default_rng(3).normal(size=(7, 6)).astype("float32")
DOMAIN = np.array([0, 1, 2, 1, 0, 2, 2], "int32")
EXPERTS = {"kind": "feed_forward", "num_experts": 3, "units": [6]}
FIRST = {"experts": EXPERTS, "balance": [{"kind": "switch"}]}
LAST = {
    "experts": {**EXPERTS, "units": [4, 2]},
    "router": {"kind": "per_domain", "num_domains": 3, "selector": {"kind": "top_k", "k": 2}},
    "num_gates": 2,
}


@pytest.mark.parametrize("residual", [False, True])
def test_stack_equals_its_mixtures_one_after_the_other(residual):
    stack = MixtureStack([FIRST, LAST], residual=residual)
    result = stack(ROWS, {"domain": DOMAIN})

    first, last = stack.mixtures
    hidden = first(ROWS) + (ROWS if residual else 0)
    expected = last(hidden, {"domain": DOMAIN})

    assert result.shape == (7, 2, 2)
    np.testing.assert_allclose(result, expected, atol=1e-6)
    chosen = stack.routing(ROWS, {"domain": DOMAIN})
    assert [len(level) for level in chosen] == [1, 2]
    np.testing.assert_array_equal(
        chosen[1][1]["index"], last.routing(hidden, {"domain": DOMAIN})[1]["index"]
    )


def test_stack_of_one_is_that_mixture_and_needs_what_it_needs():
    stack = MixtureStack([LAST])

    assert stack.needs == ("domain",) and stack.num_results == 2
    stack(ROWS, {"domain": DOMAIN})
    alone = Mixture(**LAST)
    alone.build(ROWS.shape)
    alone.set_weights(stack.get_weights())
    np.testing.assert_array_equal(stack(ROWS, {"domain": DOMAIN}), alone(ROWS, {"domain": DOMAIN}))


def test_stack_reloads_with_its_losses(tmp_path):
    rows, domain = keras.Input((6,)), keras.Input((), dtype="int32")
    stack = MixtureStack([FIRST, LAST], residual=True)
    model = keras.Model([rows, domain], stack(rows, {"domain": domain}))
    before = model([ROWS, DOMAIN])
    model([ROWS, DOMAIN], training=True)
    assert len(model.losses) == 1
    assert {metric.name for metric in model.metrics} == {f"{stack.name}_0_switch_loss"}

    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")

    np.testing.assert_array_equal(again([ROWS, DOMAIN]), before)


@pytest.mark.parametrize("mixtures", [[], [LAST, FIRST]])
def test_stack_without_mixtures_or_with_results_before_the_last_is_refused(mixtures):
    with pytest.raises(ValueError, match="`mixtures` must hold at least one"):
        MixtureStack(mixtures)


def test_stack_names_an_option_that_is_none():
    with pytest.raises(ValueError, match="Did you mean 'experts'"):
        MixtureStack([{"expert": EXPERTS}])
