import polars as pl
from pages import Page

from ctrmoe.ranking.sections.distributions import distributions_section

TABLE = pl.DataFrame(
    {
        "task": ["click", "click", "buy"],
        "feature": ["shop", "shop", "<b>"],
        "value": ["<i>", "(3 others)", "1 to 2"],
        "rows": [100, 50, 7],
        "positives": [20, 5, 7],
        "label_rate": [0.2, 0.1, 1.0],
        "label_rate_low": [0.13, 0.04, 0.65],
        "label_rate_high": [0.29, 0.21, 1.0],
        "overall_rate": [0.16, 0.16, 0.3],
    }
)


def test_each_feature_is_drawn_with_rates_intervals_and_counts():
    section = distributions_section(TABLE)

    assert [drawing.title for drawing in section.drawings] == ["shop and click", "<b> and buy"]
    page = Page(section.drawings[0].markup)
    assert [a["title"] for a in page.all("li")] == ["<i>", "(3 others)"]
    assert page.titles == [
        "all rows: 0.16", "<i>: 0.2 (0.13 to 0.29)", "(3 others): 0.1 (0.04 to 0.21)",
        "<i>: 100", "(3 others): 50",
    ]  # fmt: skip
    assert page.texts[-2:] == ["rate of click", "rows"]


def test_table_is_beside_it_whole():
    section = distributions_section(TABLE)

    assert section.tables["distributions"].equals(TABLE)
    assert [len(excerpt) for excerpt in section.excerpts.values()] == [3]
