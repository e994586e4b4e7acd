import numpy as np
from pages import Page

from ctrmoe.report.heatmap import heatmap

LONG = "a_feature_with_a_long_name_of_its_own"


def cells(page):
    return [a for a in page.all("rect") if "fill-opacity" in a and "x" in a]


def test_colours_are_shares_of_the_value_furthest_from_zero():
    page = Page(heatmap(np.array([[0.5, -2.0], [np.nan, 1.0]]), ["<a>", "b"], ["c", LONG], "nats"))

    assert [(a["class"], a["fill-opacity"], a["x"], a["y"]) for a in cells(page)] == [
        ("above", "0.250", "0.00%", "0"),
        ("below", "1.000", "50.00%", "0"),
        ("above", "0.500", "50.00%", "22"),
    ]
    assert page.titles[:3] == ["<a>, c: 0.5", f"<a>, {LONG}: -2", f"b, {LONG}: 1"]


def test_colours_may_be_shares_of_the_furthest_value_of_their_row():
    page = Page(heatmap(np.array([[1.0, 2], [-8, 4]]), ["a", "b"], ["c", "d"], "nats", by_row=True))

    assert [a["fill-opacity"] for a in cells(page)] == ["0.500", "1.000", "1.000", "0.500"]
    assert page.titles[2] == "b, c: -8"


def test_legend_has_both_colours_only_where_there_are_both_signs():
    signed, unsigned = (
        Page(heatmap(np.array([[low, 3.0]]), ["a"], ["b", "c"], "synergy, nats"))
        for low in (-1.0, 0.0)
    )

    assert "synergy, nats: -3" in signed.texts
    assert "synergy, nats: 0" in unsigned.texts
    assert signed.texts[-1] == unsigned.texts[-1] == "3"
    assert len(signed.all("rect")) - len(unsigned.all("rect")) == 5


def test_long_name_of_a_column_is_cut_in_its_middle_and_told_in_full():
    page = Page(heatmap(np.ones((1, 1)), ["a"], [LONG], "nats"))

    assert f"{LONG[:11]}…{LONG[-10:]}" in page.texts
    assert LONG in page.titles


def test_matrix_without_values():
    assert cells(Page(heatmap(np.full((1, 2), np.nan), ["a"], ["b", "c"], "nats"))) == []
