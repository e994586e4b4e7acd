import polars as pl
from rich.console import Console

from ctrmoe.ranking.combinations.summary import (
    addition_lines,
    combination_announcement,
    combination_summary,
)
from ctrmoe.schema import Schema

FEATURES = [{"name": name, "kind": "categorical"} for name in "abcd"]
FEATURES += [{"name": "tags", "kind": "categorical", "max_length": 2}]
SCHEMA = Schema.from_dict({"name": "shop", "tasks": [{"name": "click"}], "features": FEATURES})


def pairs(above):
    return pl.DataFrame(
        {
            "task": ["click"] * 2,
            "feature_a": ["a", "a"],
            "feature_b": ["b", "[c]"],
            "score": [0.3, 0.1],
            "rank": [1, 2],
            "cardinality": [1_600, 9],
            "synergy": [0.1, 0.2],
            "synergy_std": [0.01, 0.01],
            "synergy_p_value": [1e-9, 1e-9],
            "synergy_above_noise": above,
        }
    )


def printed(renderable):
    console = Console(width=100, record=True, file=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_announcement_counts_what_can_be_combined():
    assert combination_announcement(SCHEMA, 2, 100, 2**30).startswith(
        "6 combinations of 2 features: categories and counts take at most 1.00 GiB"
    )
    assert combination_announcement(SCHEMA, 2, 5, 2**30).startswith("5 of 6 combinations")


def test_summary_shows_the_largest_synergy_first():
    text = printed(combination_summary(pairs([True, True]), 0.05))

    assert text.index("a × [c]") < text.index("a × b")
    assert "click: 2 of 2 combinations tell more than their parts" in text


def test_nothing_found():
    text = printed(combination_summary(pairs([False, False]), 0.05))

    assert "×" not in text
    assert "click: 0 of 2 combinations" in text


def test_lines_say_what_adds_to_what_is_given():
    conditional = pl.DataFrame(
        {
            "task": ["click"] * 2,
            "given": ["a,b"] * 2,
            "feature": ["c", "d"],
            "above_noise": [True, False],
        }
    )
    forward = pl.DataFrame({"task": ["click"], "feature": ["c"], "score": [0.25]})

    assert addition_lines({}) == []
    assert addition_lines({"conditional": conditional, "forward": forward}) == [
        "click: 1 of 2 features add to a,b, most of all: c.",
        "click: features that add to those before: c (0.250000).",
    ]
