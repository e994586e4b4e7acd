import polars as pl
from pages import Page

from ctrmoe.ranking.sections.combinations import combinations_section


def combinations(rows, order=2):
    """A table of task, features, synergy, its error, and whether that is above noise."""
    members = [f"feature_{letter}" for letter in "abc"[:order]]
    frame = pl.DataFrame(
        rows,
        ["task", *members, "synergy", "synergy_std", "synergy_above_noise"],
        orient="row",
    )
    return frame.with_columns(
        score=0.25, score_std=0.01, p_value=0.0, q_value=0.0, above_noise=True, rank=1,
        cardinality=4, cardinality_is_exact=True, coverage=1.0, synergy_p_value=0.5, rows=9,
    )  # fmt: skip


PAIRS = combinations(
    [
        ("click", "<a>", "b", -0.001, 0.0005, False),
        ("click", "b", "c", 0.002, 0.0005, False),
        ("click", "<a>", "c", 0.1, 0.01, True),
        ("buy", "b", "c", 0.3, 0.01, True),
    ]
)


def test_pairs_that_tell_most_over_their_parts_come_first():
    section = combinations_section(PAIRS, 0.05)

    points = [d for d in section.drawings if "combinations" in d.title]
    assert [d.title for d in points] == [
        "click: 1 of 3 combinations tell more than their parts",
        "buy: 1 of 1 combinations tell more than their parts",
    ]
    page = Page(points[0].markup)
    assert [a["title"] for a in page.all("li")] == ["<a> × c", "b × c", "<a> × b"]
    assert page.titles[0] == "<a> × c: 0.1 (0.0804 to 0.12)"
    assert len(page.all("g", "point strong")) == 1
    assert len(page.all("rect", "band")) == 1
    assert page.texts[-1] == "synergy, in nats"


def test_heatmap_has_each_pair_in_both_halves_and_no_diagonal():
    section = combinations_section(PAIRS, 0.05)

    (drawing,) = (d for d in section.drawings if d.title == "click: synergy of pairs")
    page = Page(drawing.markup)
    cells = [title for title in page.titles if ": " in title]
    assert cells == [
        "<a>, c: 0.1", "<a>, b: -0.001", "c, <a>: 0.1", "c, b: 0.002", "b, <a>: -0.001",
        "b, c: 0.002",
    ]  # fmt: skip


def test_combinations_of_three_have_no_heatmap():
    section = combinations_section(
        combinations([("click", "a", "b", "c", 0.1, 0.01, True)], order=3), 0.05
    )

    assert section.title == "Combinations"
    (drawing,) = section.drawings
    assert [a["title"] for a in Page(drawing.markup).all("li")] == ["a × b × c"]


def test_only_the_first_of_many_are_drawn_and_all_are_listed():
    rows = [("click", f"a{i:03d}", f"b{i:03d}", i / 1e3, 1e-4, i > 50) for i in range(300)]

    section = combinations_section(combinations(rows), 0.05)

    points, cells = (Page(drawing.markup) for drawing in section.drawings)
    assert [a["title"] for a in points.all("li")][:2] == ["a299 × b299", "a298 × b298"]
    assert len(points.all("circle")) == 20
    assert len(cells.all("li")) == 20
    assert section.excerpts["click: all that were counted"].height == 300
    assert section.tables["pairs"].height == 300
