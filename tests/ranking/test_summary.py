from rich.console import Console

from ctrmoe.ranking.ranking import ranked
from ctrmoe.ranking.scores import SCORES
from ctrmoe.ranking.summary import summary


def test_summary_counts_the_features_above_noise(row):
    rows = [row("[b]", 0.1, 1e-9), row("c", 0.3, 0.03), row("e", 0.2, 0.04), row("d", None, None)]
    ranking = ranked(rows, "corrected_mi", SCORES["corrected_mi"], 0.05)
    console = Console(width=100, record=True)

    console.print(summary(ranking, 0.05))

    text = " ".join(console.export_text().split())
    assert "[b]" in text
    assert "click: 1 of 4 features are above noise, none wrongly with a probability of 95%" in text
    assert "; 3 at a false-discovery rate of 5%" in text


def test_summary_says_where_the_controls_lie(row):
    rows = [row("a", 0.1, 1e-9), row("b", 0.3, 0.3), row("control:label", 0.9, 0, is_control=True)]
    rows += [row(f"control:noise_{i}", 0.01, 0.02 * i, is_control=True) for i in (9, 10)]
    ranking = ranked(rows, "corrected_mi", SCORES["corrected_mi"], 0.05)
    console = Console(width=100, record=True)

    console.print(summary(ranking, 0.05))

    text = " ".join(console.export_text().split())
    assert "click: 1 of 2 features are above noise" in text
    assert "1 of 2 features rank before the first control of noise (control:noise_9, rank 3" in text
    assert "0 of 2 controls of noise are above noise" in text
