import polars as pl
import pytest

from ctrmoe.ranking.ranking import LEADING, ranked, write_tables
from ctrmoe.ranking.scores import SCORES
from ctrmoe.schema import SchemaError


def test_features_above_noise_come_first_by_score_and_the_others_by_p_value(row):
    rows = [row("a", 0.2, 0.6), row("b", 0.1, 1e-9), row("c", 0.3, 1e-6), row("d", 0.0, 0.3)]

    ranking = ranked(rows, "corrected_mi", SCORES["corrected_mi"], 0.05)

    assert ranking["feature"].to_list() == ["c", "b", "d", "a"]
    assert ranking["rank"].to_list() == [1, 2, 3, 4]
    assert ranking["above_noise"].to_list() == [True, True, False, False]
    assert ranking.columns[: len(LEADING)] == list(LEADING)


def test_signed_score_is_ranked_by_its_size(row):
    rows = [row("a", 0.1, 0.0, name="pearson"), row("b", -0.4, 0.0, name="pearson")]

    ranking = ranked(rows, "pearson", SCORES["pearson"], 0.05)

    assert ranking["feature"].to_list() == ["b", "a"]


def test_undefined_score_is_null_and_last(row):
    rows = [row("a", float("nan"), float("nan")), row("b", 0.0, 0.9), row("c", 0.0, 0.9)]

    ranking = ranked(rows, "corrected_mi", SCORES["corrected_mi"], 0.05)

    assert ranking["feature"].to_list() == ["b", "c", "a"]
    assert ranking["score"].to_list() == [0.0, 0.0, None]


def test_each_task_has_its_own_ranks(row):
    rows = [row("a", 0.1, 0.0), row("a", 0.1, 0.0, task="buy"), row("b", 0.2, 0.0)]

    ranking = ranked(rows, "corrected_mi", SCORES["corrected_mi"], 0.05)

    assert ranking.select("task", "feature", "rank").rows() == [
        ("click", "b", 1), ("click", "a", 2), ("buy", "a", 1)
    ]  # fmt: skip


def test_written_tables_hold_the_ranking(tmp_path, row):
    ranking = ranked([row("a", 0.1, 0.0)], "corrected_mi", SCORES["corrected_mi"], 0.05)

    write_tables({"ranking": ranking}, tmp_path / "out")

    assert pl.read_parquet(tmp_path / "out/ranking.parquet").equals(ranking)
    assert pl.read_csv(tmp_path / "out/ranking.csv").columns == ranking.columns
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_nothing_is_written_where_a_file_stands_in_the_way(tmp_path, row):
    (tmp_path / "out").write_text("")
    ranking = ranked([row("a", 0.1, 0.0)], "corrected_mi", SCORES["corrected_mi"], 0.05)

    with pytest.raises(SchemaError, match="can't be written"):
        write_tables({"ranking": ranking}, tmp_path / "out")


def test_controls_are_a_family_of_their_own(row):
    features = [row("a", 0.2, 0.02), row("b", 0.1, 0.04)]
    controls = [row(f"control:{i}", 0.3, 1e-9, is_control=True) for i in range(9)]

    ranking = ranked(features + controls, "corrected_mi", SCORES["corrected_mi"], 0.05)

    found = ranking.filter(~pl.col("is_control")).sort("feature")
    assert found["family_p_value"].to_list() == [0.04, 0.04]
    assert found["q_value"].to_list() == [0.04, 0.04]
    assert found["rank"].to_list() == [10, 11]
