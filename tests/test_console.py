import pytest

from ctrmoe.console import stage_progress


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
