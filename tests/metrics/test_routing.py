import numpy as np
import pytest

from ctrmoe.metrics.routing import RoutingFigures

E = 3


def routing(index, gate, probs=None, logits=None):
    index = np.array(index, np.int32)
    found = {"index": index, "gate": np.array(gate, np.float32)}
    found["probs"] = np.full((len(index), E), 1 / E) if probs is None else np.array(probs)
    return found if logits is None else {**found, "logits": np.array(logits)}


def figures(*batches, num_domains=1):
    found = RoutingFigures(E, num_domains)
    for batch, domains in batches:
        found.update(batch, None if domains is None else np.array(domains))
    return found


def hard(experts, **options):
    return routing([[e] for e in experts], [[0.4]] * len(experts), **options)


def soft(gates):
    return routing([[0, 1, 2]] * len(gates), gates, probs=gates)


def test_loads_of_two_choices_by_hand():
    # Expert 3 stands for none: the second row has one expert only.
    batch = routing([[0, 1], [2, 3], [1, 0]], [[0.75, 0.25], [0.5, 0.0], [0.6, 0.2]])

    found = figures((batch, [0, 1, 1]), num_domains=2)

    assert found.rows == 3
    np.testing.assert_allclose(found.load, [1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_allclose(found.load_by_domain, [[0.75, 0.25, 0], [0.125, 0.375, 0.5]])
    np.testing.assert_allclose(found.choices, [0.4, 0.4, 0.2])
    np.testing.assert_allclose(found.choices_by_domain, [[0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3]])
    assert found.experts_per_row == pytest.approx(5 / 3)
    two = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25)) / np.log(3)
    assert found.gate_entropy == pytest.approx(2 * two / 3)
    assert found.probability_entropy == pytest.approx(1)
    column = [0.25, 0.0, 0.75]  # of expert 1
    assert found.load_error[1] == pytest.approx(np.std(column) / np.sqrt(3))


def test_coactivation_of_choices_and_of_soft_gates():
    chosen = figures((routing([[0, 1], [2, 3], [1, 0]], [[0.7, 0.3], [1, 0], [0.5, 0.5]]), None))

    np.testing.assert_allclose(chosen.coactivation * 3, [[2, 2, 0], [2, 2, 0], [0, 0, 1]])
    np.testing.assert_allclose(chosen.overlap, [[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    assert not chosen.weighs_all

    gates = np.array([[0.5, 0.5, 0.0], [0.2, 0.2, 0.6]])
    weighed = figures((soft(gates), None))

    assert weighed.weighs_all
    np.testing.assert_allclose(weighed.coactivation, gates.T @ gates / 2, rtol=1e-6)
    assert weighed.overlap[0, 2] == pytest.approx(0.06 / (0.145 + 0.18 - 0.06), rel=1e-6)


def test_batches_add_up_to_the_whole():
    random = np.random.default_rng(1)
    gates = random.dirichlet(np.ones(E), 60).astype(np.float32)
    domains = random.integers(0, 4, 60)

    whole = figures((soft(gates), domains), num_domains=4)
    parts = figures(
        (soft(gates[:17]), domains[:17]), (soft(gates[17:]), domains[17:]), num_domains=4
    )

    for name in ("load", "load_error", "load_by_domain", "coactivation"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))
    for name in ("gate_entropy", "probability_entropy", "domain_information"):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name))


def test_domain_that_determines_the_expert_or_has_no_part_in_it():
    own = figures((hard([0, 0, 2, 2]), [0, 0, 1, 1]), num_domains=2)
    none = figures((hard([0, 2, 0, 2]), [0, 0, 1, 1]), num_domains=2)
    more = figures((hard([0, 0, 1, 1]), [0, 1, 2, 3]), num_domains=4)

    assert (own.domain_information, own.domain_share) == pytest.approx((1, 1))
    assert (none.domain_information, none.domain_share) == pytest.approx((0, 0))
    assert (more.domain_information, more.domain_share) == pytest.approx((1, 1))
    assert figures((hard([1, 1]), None)).domain_share == 0


def test_one_expert_takes_all():
    found = figures((hard([1] * 199 + [0]), None))

    assert found.dominant_expert == 1
    assert found.dead_experts == [0, 2]
    assert found.findings() == [
        "The router has collapsed: expert 1 has 99.5% of the load.",
        "Experts 0, 2 are dead: less than 0.01 of the load.",
    ]


def test_expert_at_the_bounds_is_alive():
    found = figures((hard([0] * 170 + [1] * 28 + [2] * 2), None))

    assert (found.dominant_expert, found.dead_experts, found.findings()) == (None, [], [])
    assert found.rows_suffice

    found.update(hard([0]))
    assert found.dead_experts == [2]  # 2 of 201 rows
    assert found.findings() == ["Expert 2 is dead: less than 0.01 of the load."]


def test_bound_falls_with_the_number_of_experts():
    assert RoutingFigures(4).dead_bound == 0.01
    assert RoutingFigures(100).dead_bound == pytest.approx(0.001)


def test_few_rows_tell_nothing_of_the_dead():
    found = figures((hard([0] * 50 + [1] * 40), None))

    assert not found.rows_suffice
    assert found.dead_experts == []


def test_experts_that_no_row_may_choose_are_not_dead():
    by_domain = np.where(np.eye(E), 0.0, -1e9)
    fixed = figures((hard([1] * 300, logits=by_domain[[1] * 300]), None))

    assert not fixed.decides
    assert fixed.findings() == []

    # Expert 2 is forbidden to these rows, expert 0 is not and has none.
    masked = figures((hard([1] * 300, logits=[[0.0, 1.0, -1e9]] * 300), None))

    assert masked.decides
    assert (masked.dominant_expert, masked.dead_experts) == (1, [0])


def test_a_probability_of_zero_is_no_ban():
    sure = [[0.0, 500.0, 0.0]] * 300

    found = figures((hard([1] * 300, probs=[[0.0, 1.0, 0.0]] * 300, logits=sure), None))

    assert found.dead_experts == [0, 2]
    assert found.probability_entropy == 0


def test_no_rows():
    found = RoutingFigures(E, 2)

    assert (found.rows, found.gate_entropy, found.domain_information) == (0, 0, 0)
    assert not found.load.any() and not found.coactivation.any() and found.findings() == []
