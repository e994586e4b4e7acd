import pytest
from pages import Page

from ctrmoe.report.row_chart import ROW, Bars, Points, row_chart
from ctrmoe.report.scale import Scale

NAMES = ["first", "<script>", "third"]


@pytest.fixture
def points():
    return Points(
        "score, nats",
        Scale(0.0, 10.0),
        [5.0, 2.0, 1.0],
        [4.0, 1.0, 0.0],
        [6.0, 3.0, 20.0],
        ["strong", "weak", "weak"],
        band=(1.0, 2.0),
        references={"all": 2.5},
    )


def test_points_and_intervals_lie_where_their_numbers_are(points):
    page = Page(row_chart(NAMES, points))

    assert [a["cx"] for a in page.all("circle")] == ["50.00%", "20.00%", "10.00%"]
    bars = [a for a in page.all("line") if "class" not in a]
    assert [(a["x1"], a["x2"]) for a in bars] == [
        ("40.00%", "60.00%"), ("10.00%", "30.00%"), ("0.00%", "100.00%")
    ]  # fmt: skip
    assert [float(a["y1"]) for a in bars] == [ROW / 2, 3 * ROW / 2, 5 * ROW / 2]
    assert page.titles[1:] == ["first: 5 (4 to 6)", "<script>: 2 (1 to 3)", "third: 1 (0 to 20)"]


def test_points_tell_their_styles_the_band_and_the_reference(points):
    page = Page(row_chart(NAMES, points))

    assert len(page.all("g", "point strong")) == 1
    assert len(page.all("g", "point weak")) == 2
    (band,) = page.all("rect", "band")
    assert (band["x"], band["width"]) == ("10.00%", "10.00%")
    (reference,) = page.all("line", "reference")
    assert reference["x1"] == reference["x2"] == "25.00%"
    assert page.titles[0] == "all: 2.5"


def test_names_ticks_and_the_title_of_the_axis_are_texts(points):
    page = Page(row_chart(NAMES, points))

    assert [text for text in page.texts if text in NAMES] == NAMES
    assert [a["title"] for a in page.all("li")] == NAMES
    assert page.texts.count("2.5") == 1
    assert page.texts[-1] == "score, nats"
    assert len(page.all("line", "grid")) == 5


def test_bars_are_shares_of_the_largest(points):
    page = Page(row_chart(NAMES, points, Bars("rows", [10, 5, 0], ["10", "5", "0"])))

    bars = [a["width"] for a in page.all("rect") if "class" not in a]
    assert bars == ["100.00%", "50.00%", "0.00%"]
    assert len(page.all("div", "lines panels-2")) == 1


def test_bars_of_nothing_have_no_length():
    assert [a["width"] for a in Page(row_chart(["a"], Bars("rows", [0], ["0"]))).all("rect")] == [
        "0.00%"
    ]
