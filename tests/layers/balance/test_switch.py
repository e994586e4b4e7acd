import numpy as np
import references

from ctrmoe.layers.balance import SwitchBalance


def test_switch_is_one_at_uniform_load_and_the_number_of_experts_at_collapse(routing_of):
    uniform = routing_of(np.zeros((4, 4), "float32"), [[0], [1], [2], [3]])
    collapsed = routing_of(np.array([[50, 0, 0, 0]] * 4, "float32"), [[0]] * 4)

    np.testing.assert_allclose(SwitchBalance()(uniform, context={}), 1, atol=1e-6)
    np.testing.assert_allclose(SwitchBalance()(collapsed, context={}), 4, atol=1e-6)


def test_switch_counts_choices(random, routing_of):
    logits = random.normal(size=(7, 3)).astype("float32")
    index = np.array([[0, 1], [2, 1], [0, 3], [1, 2], [0, 2], [2, 3], [0, 1]])
    routing = routing_of(logits, index)

    expected = references.switch_balance(routing["probs"].numpy(), index)
    np.testing.assert_allclose(SwitchBalance()(routing, context={}), expected, rtol=1e-5)


def test_switch_in_each_domain_by_itself(random, routing_of):
    logits = random.normal(size=(6, 3)).astype("float32")
    index = np.array([[0], [2], [1], [1], [0], [2]])
    domain = np.array([0, 0, 3, 3, 3, 0], "int32")
    routing = routing_of(logits, index)
    probs = routing["probs"].numpy()

    given = np.array([9, 0, 3, 3, 3, 0], "int32")  # 9 is none of five
    found = SwitchBalance(num_domains=5)(routing, context={"domain": given})

    each = [references.switch_balance(probs[domain == d], index[domain == d]) for d in (0, 3)]
    np.testing.assert_allclose(found, np.mean(each), rtol=1e-5)


def test_gradient_is_finite_and_there(gradient):
    found = gradient(SwitchBalance())

    assert np.isfinite(found).all() and np.abs(found).max() > 1e-6
