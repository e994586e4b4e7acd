import numpy as np
import polars as pl
import pytest

from ctrmoe.ranking.combinations.conditional_ranker import FORWARD, ConditionalRanker

NAMES = ["strong", "copy", "second", "half", "other_half", "noise"]
ROWS = 12_000


@pytest.fixture(scope="module")
def ranker(reader_of):
    random = np.random.default_rng(5)
    strong, second = random.integers(0, 8, ROWS), random.integers(0, 5, ROWS)
    half, other = random.integers(0, 3, (2, ROWS))
    logit = 0.4 * strong + 0.3 * second + 1.5 * ((half + other) % 3 == 0) - 3
    copy = np.where(random.random(ROWS) < 0.8, strong, random.integers(0, 8, ROWS))
    columns = [strong, copy, second, half, other, random.integers(0, 200, ROWS)]
    labels = (random.random(ROWS) < 1 / (1 + np.exp(-logit))).astype(int)
    frame = pl.DataFrame(dict(zip(NAMES, columns, strict=True)) | {"click": labels})
    return ConditionalRanker(reader_of(frame), NAMES, 0.05, 1 << 28, 2)


def test_copy_of_what_is_given_adds_nothing(ranker):
    table = ranker.conditional(["strong"])

    assert table["feature"][0] == "second"
    assert table.filter("above_noise")["feature"].to_list() == ["second"]
    assert table["given"].unique().to_list() == ["strong"]
    assert table["strata"].unique().to_list() == [8]
    assert table.height == 5


def test_half_of_a_pair_adds_to_the_other_half(ranker):
    assert ranker.conditional(["half", "strong"])["feature"][0] == "other_half"


def test_forward_adds_what_is_new_and_stops_by_itself(ranker):
    steps = ranker.forward([], 6)

    assert steps["feature"].to_list() == ["strong", "second"]
    assert steps["given"].to_list() == ["", "strong"]
    assert steps["step"].to_list() == [1, 2]
    assert (steps["family_p_value"] < 0.05).all()
    assert ranker.forward(["half"], 6)["feature"].to_list()[:3] == [
        "strong",
        "other_half",
        "second",
    ]


def test_forward_takes_no_more_steps_than_wanted(ranker):
    assert ranker.forward([], 1)["feature"].to_list() == ["strong"]
    assert ranker.forward(["strong", "second"], 3).height == 0
    assert ranker.forward(["strong", "second"], 3).schema == pl.Schema(FORWARD)
