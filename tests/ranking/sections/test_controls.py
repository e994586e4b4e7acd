import pytest
from pages import Page

from ctrmoe.ranking.ranking import ranked
from ctrmoe.ranking.scores import SCORES
from ctrmoe.ranking.sections.controls import controls_section


@pytest.fixture
def section(row):
    rows = [
        row("good", 0.1, 1e-9),
        row("bad", 0.0, 0.9),
        row("control:label", 0.7, 0.0, is_control=True),
        row("control:noise_2", 0.0, 0.5, is_control=True),
        row("control:unique", 0.001, 0.2, is_control=True),
    ]
    return controls_section(ranked(rows, "corrected_mi", SCORES["corrected_mi"], 0.05), "mi")


def test_controls_are_drawn_in_their_order(section):
    (drawing,) = section.drawings
    page = Page(drawing.markup)

    assert drawing.title == "click: controls"
    names = ["control:label", "control:unique", "control:noise_2"]
    assert [a["title"] for a in page.all("li")] == names
    (table,) = section.excerpts.values()
    assert table["feature"].to_list() == names
    assert table["rank"].to_list() == [1, 3, 4]


def test_text_says_what_noise_reached(section):
    assert section.text[1] == (
        "click: 0 of 2 controls of noise are above noise; 1 of 2 features rank before the first "
        "of them."
    )
