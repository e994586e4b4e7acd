"""Retrieval by two towers of TensorFlow Recommenders: trains them, retrieves for users.

    pip install 'ctrmoe[retrieval]'
    python pipelines/two_towers.py --likes likes.parquet --users users.parquet \\
        --items items.parquet --out candidates.parquet

`likes` are pairs of `user_id` and `item_id`. `users` and `items` have one row each, their id, and
columns of text or whole numbers that their tower reads; `users` lists besides what not to retrieve
(`seen`, null for a user that nothing is retrieved for). The output has `user_id`, `item_id`,
`retrieval_score` and `position`, which counts from 1.

Of `--index`, `exact` and `streaming` find the very best, the latter holding no matrix of all items;
`scann` is approximate, needs the package of this name, and that a TensorFlow it was built for
(scann 1.4.2: 2.20; beside 2.21 it can't be loaded, and TensorFlow Recommenders then neither).

A process of its own, which `retrieve_and_rank.py` starts: TensorFlow Recommenders refuses Keras 3,
and legacy Keras must be chosen before TensorFlow is loaded.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import polars as pl
import tensorflow as tf

try:
    import tensorflow_recommenders as tfrs
except ImportError as error:
    sys.exit(f"{error}. Install with: pip install 'ctrmoe[retrieval]'")

INDICES = {
    "exact": tfrs.layers.factorized_top_k.BruteForce,
    "streaming": tfrs.layers.factorized_top_k.Streaming,
    "scann": tfrs.layers.factorized_top_k.ScaNN,
}


class TwoTowers(tfrs.Model):
    """Scores a user and an item by the product of what their towers make of them.

    The other items of the batch are the negatives. A popular one is so more often than others,
    for which the task corrects by its share of the likes.
    """

    def __init__(self, users: pl.DataFrame, items: pl.DataFrame, dim: int) -> None:
        super().__init__()
        self.users, self.items = Tower(users, dim), Tower(items, dim)
        self.task = tfrs.tasks.Retrieval(remove_accidental_hits=True)

    def compute_loss(self, features: dict[str, Any], training: bool = False) -> tf.Tensor:
        return self.task(
            self.users(features),
            self.items(features),
            candidate_ids=features["item_id"],
            candidate_sampling_probability=features["share"],
            compute_metrics=not training,
        )


class Tower(tf.keras.Model):
    """From columns of codes to a vector: an embedding each, a hidden layer, a product."""

    def __init__(self, rows: pl.DataFrame, dim: int) -> None:
        super().__init__()
        sizes = {name: int(rows[name].max()) + 1 for name in rows.columns}
        self.tables = {name: tf.keras.layers.Embedding(size, dim) for name, size in sizes.items()}
        self.hidden = tf.keras.layers.Dense(2 * dim, "relu")
        self.product = tf.keras.layers.Dense(dim)

    def call(self, features: dict[str, Any]) -> tf.Tensor:
        tokens = [table(features[name]) for name, table in self.tables.items()]
        return self.product(self.hidden(tf.concat(tokens, axis=-1)))


def coded(rows: pl.DataFrame) -> pl.DataFrame:
    """Returns the columns as numbers from 1 on, in the order of their values; 0 for null."""
    return rows.select(pl.all().exclude("seen").rank("dense").fill_null(0).cast(pl.Int32))


def tensors(rows: pl.DataFrame) -> dict[str, tf.Tensor]:
    return {name: tf.constant(rows[name].to_numpy()) for name in rows.columns}


def fit(likes: pl.DataFrame, users: pl.DataFrame, items: pl.DataFrame, options: Any) -> TwoTowers:
    """Trains towers on the likes."""
    pairs = likes.with_columns(share=(pl.len().over("item_id") / likes.height).cast(pl.Float32))
    for rows, key in ((users, "user_id"), (items, "item_id")):
        codes = coded(rows).with_columns(rows[key].alias("key"))
        pairs = pairs.rename({key: "key"}).join(codes, on="key", maintain_order="left").drop("key")
    columns = tensors(pairs)
    model = TwoTowers(coded(users), coded(items), options.dim)
    model.compile(tf.keras.optimizers.Adam(options.learning_rate))
    feed = tf.data.Dataset.range(pairs.height).shuffle(pairs.height, options.seed)
    feed = feed.batch(options.batch_size).map(
        lambda batch: {name: tf.gather(column, batch) for name, column in columns.items()}
    )
    model.fit(feed, epochs=options.epochs, verbose=2)
    return model


def retrieve(
    model: TwoTowers, users: pl.DataFrame, items: pl.DataFrame, options: Any
) -> pl.DataFrame:
    """Returns the best items of each user that it has not seen, best first."""
    codes, asked = tensors(coded(items)), users.filter(pl.col("seen").is_not_null())
    most = min(options.candidates + int(asked["seen"].list.len().max() or 0), items.height)
    index = INDICES[options.index](model.users, k=most)
    numbered = tf.data.Dataset.from_tensor_slices((tf.range(items.height), codes)).batch(1024)
    index.index_from_dataset(numbered.map(lambda rows, batch: (rows, model.items(batch))))
    codes = coded(users).filter(users["seen"].is_not_null())
    found = []
    for start in range(0, asked.height, 256):
        scores, rows = index(tensors(codes[start : start + 256]))
        part = asked[start : start + 256].select(
            "user_id",
            "seen",
            item_id=pl.Series(items["item_id"].gather(rows.numpy().ravel())).reshape(rows.shape),
            retrieval_score=pl.Series(scores.numpy()),
        )
        part = part.explode("item_id", "retrieval_score")
        unseen = part.filter(~pl.col("item_id").is_in(pl.col("seen"))).drop("seen")
        found.append(unseen.group_by("user_id", maintain_order=True).head(options.candidates))
    position = pl.int_range(1, pl.len() + 1).over("user_id").alias("position")
    return pl.concat(found).with_columns(position)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("likes", "users", "items", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--candidates", type=int, default=100, help="of each user")
    parser.add_argument("--index", choices=list(INDICES), default="exact")
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tf.keras.utils.set_random_seed(options.seed)
    names = ("likes", "users", "items")
    likes, users, items = (pl.read_parquet(vars(options)[name]) for name in names)
    model = fit(likes, users, items, options)
    retrieve(model, users, items, options).write_parquet(options.out)


if __name__ == "__main__":
    main()
