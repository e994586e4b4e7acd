import pytest
from rich.console import Console

from ctrmoe.console import findings_table, stage_progress
from ctrmoe.ranking.quality.finding import Finding


@pytest.mark.parametrize(
    ("total", "shown"), [(20_000, "encode 1,500 of 20,000 rows"), (None, "encode 1,500 rows")]
)
def test_stages_show_rows_done_and_their_total(total, shown, capsys, monkeypatch):
    # A terminal: elsewhere nothing moves, so nothing is drawn.
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TTY_INTERACTIVE", "1")
    monkeypatch.setenv("COLUMNS", "100")

    with stage_progress() as show:
        show("encode", 500, total)
        show("encode", 1_500, total)

    assert shown in capsys.readouterr().err


def test_findings_show_long_names_whole(capsys):
    path = f"{'folder/' * 20}train.parquet"
    finding = Finding(
        check="labels", severity="error", column="click", message=f"No label in {path}. Add it."
    )

    Console(width=60).print(findings_table([finding]))

    lines = capsys.readouterr().out.splitlines()
    assert path + "." in "".join(line[-40:].strip() for line in lines)
