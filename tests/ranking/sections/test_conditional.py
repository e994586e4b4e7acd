import polars as pl
import pytest
from pages import Page

from ctrmoe.ranking.sections.conditional import conditional_section


@pytest.fixture
def conditional():
    return pl.DataFrame(
        {
            "task": "click",
            "given": "shop,user",
            "feature": ["<a>", "b"],
            "rank": [1, 2],
            "score": [0.1, 0.001],
            "score_std": [0.01, 0.001],
            "p_value": [0.0, 0.4],
            "above_noise": [True, False],
        }
    )


@pytest.fixture
def forward():
    return pl.DataFrame(
        {
            "task": ["click", "click", "buy"],
            "step": [1, 2, 1],
            "feature": ["shop", "<a>", "b"],
            "score": [0.3, 0.1, 0.2],
            "score_std": [0.01, 0.02, 0.01],
        }
    )


def test_features_are_drawn_with_what_they_add(conditional):
    section = conditional_section(conditional)

    (drawing,) = section.drawings
    page = Page(drawing.markup)
    assert drawing.title == "click: 1 of 2 features add to shop, user"
    assert page.titles == ["<a>: 0.1 (0.0804 to 0.12)", "b: 0.001 (-0.00096 to 0.00296)"]
    assert len(page.all("g", "point weak")) == len(page.all("rect", "band")) == 1
    assert list(section.tables) == ["conditional"]
    assert len(section.text) == 1


def test_steps_are_numbered_and_all_filled(forward):
    section = conditional_section(forward=forward)

    click, buy = (Page(drawing.markup) for drawing in section.drawings)
    assert [a["title"] for a in click.all("li")] == ["1. shop", "2. <a>"]
    assert len(click.all("g", "point strong")) == 2
    assert click.all("rect", "band") == []
    assert [a["title"] for a in buy.all("li")] == ["1. b"]
    assert list(section.tables) == ["forward"]


def test_both_are_in_one_section(conditional, forward):
    section = conditional_section(conditional, forward)

    assert len(section.drawings) == 3
    assert [excerpt.height for excerpt in section.excerpts.values()] == [2, 3]


def test_selection_without_a_step_has_no_drawing(forward):
    assert conditional_section(forward=forward[:0]).drawings == ()
