from pages import Page

from ctrmoe.ranking.ranking import ranked
from ctrmoe.ranking.scores import SCORES
from ctrmoe.ranking.sections.ranking import MAX_STRONG, MIN_WEAK, ranking_section
from ctrmoe.report import render_page


def ranking(rows):
    return ranked(rows, "corrected_mi", SCORES["corrected_mi"], 0.05)


def rows_of(row, strong, weak, task="click", **options):
    features = [row(f"s{i:02d}", 0.1, 1e-9, task, **options) for i in range(strong)]
    return features + [row(f"w{i:02d}", 0.001 * i, 0.5, task, **options) for i in range(weak)]


def test_features_are_drawn_in_their_order_with_some_of_noise(row):
    section = ranking_section(ranking(rows_of(row, 40, 20)), "corrected_mi", 0.05)

    (drawing,) = section.drawings
    page = Page(drawing.markup)
    names = [a["title"] for a in page.all("li")]
    assert drawing.title == "click: 40 of 60 features are above noise; 35 are drawn"
    assert names[:MAX_STRONG] == [f"s{i:02d}" for i in range(MAX_STRONG)]
    assert len(names) == MAX_STRONG + MIN_WEAK
    assert len(page.all("g", "point weak")) == MIN_WEAK
    assert len(page.all("rect", "band")) == 1


def test_all_of_few_features_are_drawn(row):
    (drawing,) = ranking_section(ranking(rows_of(row, 2, 8)), "corrected_mi", 0.05).drawings

    assert drawing.title == "click: 2 of 10 features are above noise"
    assert len(Page(drawing.markup).all("li")) == 10


def test_each_task_has_a_drawing_and_a_table_of_all_features(row):
    table = ranking(rows_of(row, 2, 1) + rows_of(row, 1, 3, "buy"))
    section = ranking_section(table, "corrected_mi", 0.05)

    assert [drawing.title.split(":")[0] for drawing in section.drawings] == ["click", "buy"]
    assert [len(excerpt) for excerpt in section.excerpts.values()] == [3, 4]
    assert section.tables["ranking"].equals(table)


def test_controls_have_no_place_here_but_for_the_noise(row):
    controls = [row("control:noise", -0.2, 0.9, is_control=True)]
    section = ranking_section(ranking(rows_of(row, 3, 0) + controls), "corrected_mi", 0.05)

    (drawing,) = section.drawings
    page = Page(drawing.markup)
    assert drawing.title == "click: 3 of 3 features are above noise"
    assert len(page.all("li")) == 3
    assert len(page.all("rect", "band")) == 1
    assert section.excerpts["click: all features"]["feature"].to_list() == ["s00", "s01", "s02"]


def test_text_says_the_level_and_what_the_drawing_has(row):
    noisy = ranking_section(ranking(rows_of(row, 1, 1)), "corrected_mi", 0.1).text[0]
    clean = ranking_section(ranking(rows_of(row, 1, 0)), "auc", 0.05).text[0]

    assert "a probability of 90%" in noisy
    assert "grey band" in noisy
    assert "logarithmic" in noisy
    assert "a probability of 95%" in clean
    assert "grey band" not in clean
    assert "logarithmic" not in clean


def test_score_that_is_not_defined_is_in_the_table_only(row):
    undefined = [row("none", float("nan"), float("nan"))]
    section = ranking_section(ranking(rows_of(row, 2, 1) + undefined), "corrected_mi", 0.05)

    assert len(Page(section.drawings[0].markup).all("li")) == 3
    assert "none" in Page(render_page("Page", {}, [section])).texts
