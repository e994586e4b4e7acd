import polars as pl

from ctrmoe.tuning.results import TrialResult, trials_table, write_tables


def result(number, state="complete", value=0.5, reason="", **parameters):
    return TrialResult(
        number=number, state=state, value=value, epochs=2, seconds=1.5, reason=reason,
        parameters=parameters,
    )  # fmt: skip


def test_a_row_for_each_trial():
    results = [
        result(0, a=[8, 4], b=1, c="x"),
        result(1, "failed", None, "why", a=[8], b=0.5, c=3),
    ]

    table = trials_table(results, ["a", "b", "c"])

    assert table.columns == [
        "number", "state", "value", "epochs", "seconds", "reason", "a", "b", "c",
    ]  # fmt: skip
    assert table.row(0) == (0, "complete", 0.5, 2, 1.5, "", "[8, 4]", 1.0, "x")
    assert table.row(1) == (1, "failed", None, 2, 1.5, "why", "[8]", 0.5, "3")


def test_no_trial_yet():
    assert trials_table([], ["a"]).shape == (0, 7)


def test_both_files_hold_the_table(tmp_path):
    table = trials_table([result(0, a=1)], ["a"])

    write_tables(table, tmp_path)
    write_tables(table, tmp_path)

    assert pl.read_parquet(tmp_path / "trials.parquet").equals(table)
    assert pl.read_csv(tmp_path / "trials.csv").columns == table.columns
