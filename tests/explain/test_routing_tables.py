import numpy as np
import polars as pl
import pytest

from ctrmoe.explain.routing_tables import (
    centres_table,
    coactivation_table,
    load_table,
    summary_table,
)
from ctrmoe.metrics import RoutingFigures


@pytest.fixture
def figures():
    """Four rows in domains 0, 0, 0, 1, of a router of two choices and of a hard one."""
    domains = [0, 0, 0, 1]
    probs = np.full((4, 3), 1 / 3)
    pairs = RoutingFigures(3, 2)
    index, gate = [[0, 1], [0, 1], [1, 2], [2, 0]], [[0.5, 0.5]] * 4
    pairs.update({"index": np.array(index), "gate": np.array(gate), "probs": probs}, domains)
    hard = RoutingFigures(3, 2)
    index, gate = [[0], [0], [0], [2]], [[1.0]] * 4
    hard.update({"index": np.array(index), "gate": np.array(gate), "probs": probs}, domains)
    return {"mixture/router_0": pairs, "other/router_0": hard}


def test_loads_over_all_rows_and_by_domain(figures):
    table = load_table(figures, ["a", "b"])

    own = table.filter(router="mixture/router_0")
    whole = own.filter(pl.col("domain").is_null())
    assert whole["load"].to_list() == [0.375, 0.375, 0.25]
    assert whole["rows"].to_list() == [4, 4, 4]
    in_a = own.filter(domain="a")
    assert in_a["rows"].to_list() == [3, 3, 3]
    np.testing.assert_allclose(in_a["choices"], [2 / 6, 3 / 6, 1 / 6])
    assert table.filter(router="other/router_0", domain="b")["load"].to_list() == [0, 0, 1]
    assert load_table(figures, []).height == 6


def test_summary_by_hand(figures):
    pairs, hard = summary_table(figures).iter_rows(named=True)

    assert (pairs["experts_per_row"], hard["experts_per_row"]) == (2, 1)
    assert (hard["smallest_load"], hard["largest_load"]) == (0, 0.75)
    assert hard["gate_entropy"] == 0 and hard["probability_entropy"] == pytest.approx(1)
    entropy = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert hard["domain_information_bits"] == pytest.approx(entropy)
    assert hard["domain_information_share"] == pytest.approx(1)
    assert hard["domain_information_by_chance"] == pytest.approx(1 * 2 / (2 * 4 * np.log(2)))


def test_pairs_of_routers_that_choose_several(figures):
    table = coactivation_table(figures)

    assert table["router"].unique().to_list() == ["mixture/router_0"]
    assert table.filter(expert=0, other=1)["together"].item() == 0.5
    assert table.filter(expert=0, other=1)["overlap"].item() == 2 / 4
    assert table.filter(expert=2, other=2)["overlap"].item() == 1


def test_cosines_of_centres():
    vectors = np.array([[2.0, 0.0], [1.0, 1.0], [-3.0, 0.0]], np.float32)

    table = centres_table({"mixture/router_0": vectors})

    assert table.height == 9
    assert table.filter(expert=0, other=2)["cosine"].item() == -1
    assert table.filter(expert=1, other=0)["cosine"].item() == pytest.approx(np.sqrt(0.5))
    assert centres_table({}).height == 0
