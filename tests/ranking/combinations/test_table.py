import polars as pl
import pytest

from ctrmoe.ranking.combinations.table import ranked_combinations


def row(a, b, score, p_value, synergy_p_value=0.5):
    return {
        "task": "click",
        "feature_a": a,
        "feature_b": b,
        "score": score,
        "score_std": 0.1,
        "p_value": p_value,
        "cardinality": 4,
        "cardinality_is_exact": True,
        "coverage": 1.0,
        "synergy": 0.0,
        "synergy_std": 0.1,
        "synergy_p_value": synergy_p_value,
        "rows": 10,
    }


def test_those_above_noise_come_by_score_the_others_by_p_value():
    rows = [row("b", "c", 0.1, 0.2), row("a", "d", 0.5, 0.9), row("a", "c", 0.2, 1e-9)]
    rows += [row("a", "b", 0.3, 1e-5, synergy_p_value=1e-9), row("b", "d", 0.1, 0.2)]

    table = ranked_combinations(rows, 2, 0.05)

    found = list(table.select("feature_a", "feature_b", "rank").iter_rows())
    assert [a + b for a, b, _ in found] == ["ab", "ac", "bc", "bd", "ad"]
    assert [rank for *_, rank in found] == [1, 2, 3, 4, 5]
    assert table["above_noise"].to_list() == [True, True, False, False, False]
    assert table["synergy_above_noise"].to_list() == [True, False, False, False, False]
    assert table["q_value"].to_list()[:2] == pytest.approx([2.5e-5, 5e-9])


def test_columns_name_the_members():
    rows = [row("a", "b", 0.1, 0.2) | {"feature_c": "c"}]

    assert ranked_combinations(rows, 3, 0.05).columns == [
        "task", "feature_a", "feature_b", "feature_c", "score", "score_std", "p_value", "q_value",
        "above_noise", "rank", "cardinality", "cardinality_is_exact", "coverage", "synergy",
        "synergy_std", "synergy_p_value", "synergy_above_noise", "rows",
    ]  # fmt: skip
    assert ranked_combinations(rows, 3, 0.05).schema["rank"] == pl.Int64
