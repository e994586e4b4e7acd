import polars as pl
import pytest
from pages import Page

from ctrmoe.ranking.scores import SCORES
from ctrmoe.ranking.sections.score_chart import HEADINGS, heading, score_chart
from ctrmoe.ranking.surrogates import SURROGATES

ROWS = pl.DataFrame(
    {
        "score": [0.1, 0.002, 0.0],
        "score_std": [0.01, 0.001, None],
        "above_noise": [True, False, False],
    }
)
NOISE = pl.Series([-0.003, 0.002, None])


def chart(score, **options):
    return Page(score_chart(["a", "b", "c"], ROWS, NOISE, score, **options))


def test_intervals_are_those_of_the_table():
    page = chart("corrected_mi")

    assert page.titles == [
        "a: 0.1 (0.0804 to 0.12)",
        "b: 0.002 (4e-5 to 0.00396)",
        "c: 0 (0 to 0)",
    ]
    assert [len(page.all("g", f"point {style}")) for style in ("strong", "weak")] == [1, 2]


def test_band_holds_nine_in_ten_scores_of_noise():
    page = chart("auc")  # linear, from -0.00275 to 0.1196 with a margin of 3 %

    (band,) = page.all("rect", "band")
    length = 1.06 * (0.1196 + 0.00275)
    assert float(band["x"][:-1]) == pytest.approx(100 * 0.03 / 1.06, abs=0.01)
    assert float(band["width"][:-1]) == pytest.approx(100 * 0.0045 / length, abs=0.01)


def test_small_scores_of_information_are_told_apart():
    bent, linear = ([float(a["cx"][:-1]) for a in chart(n).all("circle")] for n in ("mi", "auc"))

    assert bent[1] - bent[2] > 3 * (linear[1] - linear[2])


def test_every_score_has_a_heading():
    assert set(HEADINGS) == {*SCORES, *SURROGATES}
    assert chart("mi").texts[-1] == "mutual information, in nats"
    assert chart("mi", title="synergy").texts[-1] == "synergy"
    assert heading("of_tomorrow") == "of tomorrow"


def test_scores_that_are_all_alike():
    rows = pl.DataFrame({"score": [0.0], "score_std": [0.0], "above_noise": [False]})

    page = Page(score_chart(["a"], rows, rows["score"], "corrected_mi"))

    assert page.titles == ["a: 0 (0 to 0)"]
