import inspect

import pytest

from ctrmoe.cli import main
from ctrmoe.commands.rank import rank


def test_help_groups_all_options(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")

    with pytest.raises(SystemExit) as stop:
        main(["rank", "--help"])

    text = capsys.readouterr().out
    assert stop.value.code == 0
    panels = ("Options", "How features are scored", "What else is looked at")
    for panel in (*panels, "Features together", "A schema of the best"):
        assert f"─ {panel} ─" in text
    for name in list(inspect.signature(rank).parameters)[1:]:
        assert f"--{name.replace('_', '-')} " in text
