"""What the pipeline of retrieval and ranking may know, and how it is measured."""

import sys

import numpy as np
import polars as pl
import pytest


@pytest.fixture
def two_stages(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "pipelines")
    import two_stages

    yield two_stages
    sys.modules.pop("two_stages")


@pytest.fixture
def ratings():
    """Thirty users rate a film a second in turns, no film twice."""
    random = np.random.default_rng(0)
    rows = [(user, film) for user in range(30) for film in random.permutation(40)[:20].tolist()]
    rows = [rows[i] for i in random.permutation(len(rows))]
    return pl.DataFrame(
        {
            "user_id": [user for user, _ in rows],
            "item_id": [f"film {film}" for _, film in rows],
            "rating": random.integers(1, 6, len(rows)),
            "timestamp": range(len(rows)),
            "gender": "F",
            "age": 25,
            "occupation": 1,
            "release_year": 1999,
            "genres": [["Drama"]] * len(rows),
        }
    )


def test_window_knows_nothing_that_comes_later(two_stages, ratings):
    window = two_stages.Window.of(ratings, 400, 500)

    changed = ratings.with_columns(
        rating=pl.when(pl.col("timestamp") < 400).then("rating").otherwise(6 - pl.col("rating"))
    )
    other = two_stages.Window.of(changed.head(450), 400, 500)
    for name in ("likes", "items", "histories", "popularity"):
        assert (
            getattr(window, name)
            .sort(pl.all().exclude("history"))
            .equals(getattr(other, name).sort(pl.all().exclude("history")))
        )
    assert not window.truth.equals(other.truth)
    assert window.likes.height == ratings.head(400).filter(pl.col("rating") >= 4).height


def test_truth_is_liked_within_the_window_by_users_with_a_past(two_stages, ratings):
    window = two_stages.Window.of(ratings, 100, 300)

    past = ratings.head(100).filter(pl.col("rating") >= 4)["user_id"].unique()
    within = ratings[100:300].filter(
        (pl.col("rating") >= 4) & pl.col("user_id").is_in(past.implode())
    )
    assert set(window.truth.iter_rows()) == set(within.select("user_id", "item_id").iter_rows())


def test_history_is_the_end_of_what_was_liked(two_stages, ratings):
    window = two_stages.Window.of(ratings, 400, 500)

    liked = ratings.head(400).filter((pl.col("rating") >= 4) & (pl.col("user_id") == 7))
    history = window.histories.filter(user_id=7)["history"][0]
    assert history.to_list() == liked["item_id"].to_list()


def test_popular_items_are_unseen_and_in_order(two_stages, ratings):
    window = two_stages.Window.of(ratings, 400, 600)

    popular = window.most_popular(8)

    seen = set(ratings.head(400).select("user_id", "item_id").iter_rows())
    assert not seen & set(popular.select("user_id", "item_id").iter_rows())
    assert set(popular["user_id"]) == set(window.truth["user_id"])
    for rows in popular.partition_by("user_id"):
        assert rows.height == 8
        assert rows["popularity"].to_list() == sorted(rows["popularity"], reverse=True)


def test_candidates_get_features_and_labels(two_stages, ratings):
    window = two_stages.Window.of(ratings, 400, 600)
    user, film = window.truth.row(0)
    candidates = pl.DataFrame({"user_id": [str(user)] * 2, "item_id": [film, "film 0"]})

    rows = window.with_features(candidates)

    assert rows["like"].to_list() == [1, int((user, "film 0") in set(window.truth.iter_rows()))]
    popularity = dict(window.popularity.iter_rows())
    assert rows["popularity"].to_list() == [popularity.get(film, 0), popularity.get("film 0", 0)]
    assert rows["age"].to_list() == [25, 25]


def test_figures_by_hand(two_stages):
    """One user finds two of its three likes, at places 1 and 3; another none of its one."""
    found = pl.DataFrame({"user_id": [1, 1, 1, 2], "item_id": ["a", "x", "b", "x"]})
    found = found.with_columns(score=pl.Series([0.9, 0.8, 0.7, 0.9]))
    truth = pl.DataFrame({"user_id": [1, 1, 1, 2], "item_id": ["a", "b", "c", "d"]})

    figures = two_stages.measured(two_stages.ordered(found, "score"), truth)

    gain = 1 + 1 / np.log2(4)
    best = 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert figures["recall"] == pytest.approx((2 / 3 + 0) / 2)
    assert figures["ndcg"] == pytest.approx(gain / best / 2)


def test_ndcg_counts_the_first_places_only(two_stages):
    found = pl.DataFrame({"user_id": 1, "item_id": list("abcdefghijkl"), "score": range(12, 0, -1)})
    ordered = two_stages.ordered(found, "score")

    late = two_stages.measured(ordered, pl.DataFrame({"user_id": [1], "item_id": ["k"]}))
    first = two_stages.measured(ordered, found.select("user_id", "item_id"))

    assert late == {"recall": 1.0, "ndcg": 0.0}
    assert first == {"recall": 1.0, "ndcg": pytest.approx(1.0)}
