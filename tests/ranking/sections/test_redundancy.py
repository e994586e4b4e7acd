import itertools

import polars as pl
from pages import Page

from ctrmoe.ranking.sections.redundancy import redundancy_section


def pairs(values):
    rows = [(*names, value) for names, value in values.items()]
    return pl.DataFrame(rows, ["feature_a", "feature_b", "redundancy"], orient="row")


def test_features_join_at_one_less_their_redundancy():
    table = pairs({("a", "b"): 0.1, ("a", "<c>"): 0.75, ("b", "<c>"): 0.3})

    section = redundancy_section(table)

    (drawing,) = section.drawings
    page = Page(drawing.markup)
    assert sorted(a["title"] for a in page.all("li")) == ["<c>", "a", "b"]
    joints = sorted({a["x2"] for a in page.all("line", "branch") if a["x1"] == a["x2"]})
    assert joints == ["25.00%", "80.00%"]  # a and <c>; b and both, at 1 - (0.1 + 0.3) / 2
    (excerpt,) = section.excerpts.values()
    assert excerpt["redundancy"].to_list() == [0.75, 0.3, 0.1]


def test_pair_that_was_not_compared_is_independent():
    page = Page(redundancy_section(pairs({("a", "b"): 1.0, ("c", "d"): 0.5})).drawings[0].markup)

    joints = {a["x2"] for a in page.all("line", "branch") if a["x1"] == a["x2"]}
    assert joints == {"0.00%", "50.00%", "100.00%"}


def test_most_redundant_of_many_features_are_drawn():
    names = [f"f{i:02d}" for i in range(60)]
    alike = {pair: 0.001 for pair in itertools.combinations(names, 2)}
    table = pairs({**alike, ("f07", "f59"): 0.9})

    section = redundancy_section(table)

    drawn = [a["title"] for a in Page(section.drawings[0].markup).all("li")]
    assert len(drawn) == 40
    assert {"f07", "f59"} <= set(drawn)
    assert section.text[0].endswith(
        "Drawn are the 40 of 60 features that are most redundant with any other."
    )


def test_order_of_three_mr_is_beside_it():
    order = pl.DataFrame({"feature": ["a", "b"], "three_mr_rank": [1, 2]})

    section = redundancy_section(pairs({("a", "b"): 0.5}), order)

    assert section.excerpts["Order of 3MR"].equals(order)
    assert list(section.tables) == ["redundancy", "three_mr"]
    assert "3MR" in section.text[1]


def test_nothing_to_compare():
    section = redundancy_section(pairs({}))

    assert section.drawings == ()
