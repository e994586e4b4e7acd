"""The tables that `retrieve_and_rank.py` reads time by, its baselines and its figures."""

from dataclasses import dataclass

import polars as pl

USER, ITEM = ["user_id", "gender", "age", "occupation"], ["item_id", "release_year", "genres"]
BOTH = ["user_id", "item_id"]
HISTORY = 50


@dataclass(frozen=True)
class Window:
    """What was known when a window of time began, and what its users liked in it.

    Args:
        likes: Pairs of user and item, ratings of 4 or 5, before the window.
        users: Everyone known; `seen` lists what a user of the window has rated before, null for
            all others.
        items: Everything known.
        histories: The last items that each user had liked, oldest first.
        truth: Pairs of user and item liked within the window, of users with likes before it.
    """

    likes: pl.DataFrame
    users: pl.DataFrame
    items: pl.DataFrame
    histories: pl.DataFrame
    truth: pl.DataFrame

    @classmethod
    def of(cls, ratings: pl.DataFrame, start: int, stop: int) -> "Window":
        """Cuts the window `start <= timestamp < stop` out of ratings in the order of time."""
        time, liked = pl.col("timestamp"), ratings.filter(pl.col("rating") >= 4)
        past, likes = (table.filter(time < start) for table in (ratings, liked))
        truth = liked.filter(time.is_between(start, stop, closed="left")).select(BOTH)
        truth = truth.join(likes, on="user_id", how="semi").join(past, on=BOTH, how="anti")
        seen = past.group_by("user_id").agg(seen="item_id").join(truth, on="user_id", how="semi")
        users, items = (past.select(of).unique(of[0]).sort(of[0]) for of in (USER, ITEM))
        last = pl.col("item_id").tail(HISTORY)
        return cls(
            likes=likes.select(BOTH),
            users=users.join(seen, on="user_id", how="left", maintain_order="left"),
            items=items,
            histories=likes.group_by("user_id", maintain_order=True).agg(history=last),
            truth=truth,
        )

    @property
    def popularity(self) -> pl.DataFrame:
        """How many users liked each item before the window."""
        return self.likes.group_by("item_id").agg(popularity=pl.len())

    def with_features(self, candidates: pl.DataFrame) -> pl.DataFrame:
        """Adds to candidates what the ranker reads, and the label `like`."""
        rows = candidates.cast({"user_id": self.users["user_id"].dtype})
        features = (self.users.drop("seen"), self.items, self.histories, self.popularity)
        for table in features:
            rows = rows.join(table, on=table.columns[0], how="left", maintain_order="left")
        liked = self.truth.with_columns(like=1)
        rows = rows.join(liked, on=BOTH, how="left", maintain_order="left")
        return rows.with_columns(pl.col("like", "popularity").fill_null(0))

    def most_popular(self, count: int) -> pl.DataFrame:
        """Returns for each user of the window the most popular items that it has not seen."""
        items = self.popularity.sort("popularity", "item_id", descending=[True, False])
        users = self.users.filter(pl.col("seen").is_not_null()).select("user_id", "seen")
        rows = users.select("user_id").join(items, how="cross")
        rows = rows.join(
            users.explode("seen"),
            left_on=BOTH,
            right_on=["user_id", "seen"],
            how="anti",
            maintain_order="left",
        )
        return rows.group_by("user_id", maintain_order=True).head(count)


def ordered(rows: pl.DataFrame, score: str) -> pl.DataFrame:
    """Puts the rows of each user in falling order of a score; `place` counts from 1."""
    place = pl.col(score).rank("ordinal", descending=True).over("user_id").cast(pl.Int64)
    return rows.with_columns(place=place).sort("user_id", "place")


def measured(rows: pl.DataFrame, truth: pl.DataFrame, top: int = 10) -> dict[str, float]:
    """Returns the recall of all rows and the NDCG of the first ones: means over users.

    What a user likes and no row has counts as missed in both.
    """
    gain = (1 / (pl.col("place") + 1).log(2)).filter(pl.col("place") <= top).sum()
    hits = rows.join(truth, on=BOTH, how="semi")
    found = hits.group_by("user_id").agg(hits=pl.len(), gain=gain)
    users = truth.group_by("user_id").agg(likes=pl.len()).join(found, on="user_id", how="left")
    best = pl.int_ranges(2, pl.min_horizontal("likes", top) + 2).list.eval(1 / pl.element().log(2))
    means = users.fill_null(0).select(
        recall=(pl.col("hits") / pl.col("likes")).mean(),
        ndcg=(pl.col("gain") / best.list.sum()).mean(),
    )
    return means.row(0, named=True)
