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


def test_many_strata_are_named_and_shared_where_asked_for(reader_of, caplog):
    """With a row or two for each pair of values only shared strata show what is new."""
    random = np.random.default_rng(6)
    user, item, new = random.integers(0, [[90], [90], [3]], (3, 4_000))
    labels = random.random(4_000) < 0.1 + 0.003 * user + 0.15 * new
    frame = {"user": user, "item": item, "new": new}
    reader = reader_of(pl.DataFrame(frame | {"click": labels.astype(int)}))

    exact, shared = (
        ConditionalRanker(reader, list(frame), 0.05, 1 << 28, 2, strata).conditional(
            ["user", "item"]
        )
        for strata in (0, 50)
    )

    assert "% of the rows are alone with their values of `user`, `item`: nothing" in caplog.text
    assert len(caplog.messages) == 1
    assert not exact["above_noise"].item() and exact["strata_are_exact"].item()
    assert shared["above_noise"].item() and not shared["strata_are_exact"].item()
    assert shared["strata"].item() <= 50
    assert 0 <= shared["strata_loss"].item() < 1e-3
