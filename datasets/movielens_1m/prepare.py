"""Turns the original files of MovieLens-1M into the tables of three protocols.

    python datasets/movielens_1m/prepare.py ml-1m --out data/movielens_1m [--download]
    python datasets/movielens_1m/prepare.py ml-1m --out data/movielens_1m_domains --protocol domains
    python datasets/movielens_1m/prepare.py ml-1m --out data/movielens_1m_history --protocol history

`autoint` follows the authors' script (Song et al., 2019): train.parquet, valid.parquet and
test.parquet. `domains` keeps every rating: ratings.parquet with two labels and an age domain.
`history` drops ratings of 3: ratings.parquet with what each user liked before each impression.
"""

from __future__ import annotations

import argparse
import io
import random
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path

import polars as pl

URL = "https://files.grouplens.org/datasets/movielens/ml-1m.zip"
SEED = 2019
MAX_HISTORY = 50


def download(folder: Path) -> None:
    """Fetches the archive of GroupLens and unpacks the three tables."""
    print(f"Downloading {URL}")
    with urllib.request.urlopen(URL) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("ratings.dat", "users.dat", "movies.dat"):
        (folder / name).write_bytes(archive.read(f"ml-1m/{name}"))


def read_dat(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Reads a file of lines such as `1::1193::5::978300760`."""
    lines = path.read_text(encoding="latin-1").rstrip("\n").split("\n")
    fields = pl.Series("fields", lines).str.split_exact("::", len(columns) - 1)
    return fields.struct.rename_fields(list(columns)).struct.unnest()


def read_original(folder: Path) -> pl.DataFrame:
    """Joins ratings, users and movies in the order of the ratings."""
    ratings = read_dat(folder / "ratings.dat", ["user_id", "movie_id", "rating", "timestamp"])
    users = read_dat(folder / "users.dat", ["user_id", "gender", "age", "occupation", "zip_code"])
    movies = read_dat(folder / "movies.dat", ["movie_id", "item_id", "genres"])
    table = ratings.join(users, on="user_id", how="left", maintain_order="left")
    table = table.join(movies, on="movie_id", how="left", maintain_order="left")
    return table.select(
        pl.col("user_id").cast(pl.Int32),
        "item_id",
        pl.col("rating").cast(pl.Int8),
        pl.col("timestamp").cast(pl.Int64),
        pl.col("age").cast(pl.Int16),
        "gender",
        pl.col("occupation").cast(pl.Int16),
        "zip_code",
        release_year=pl.col("item_id").str.extract(r"\((\d{4})\)$").cast(pl.Int16),
        genres=pl.col("genres").str.split("|"),
    )


def autoint(ratings: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Returns the parts of the authors' protocol: ratings of 3 dropped, seven fields.

    The timestamp is scaled by the least and the largest one of all three parts, as in the
    authors' script.
    """
    year, time = pl.col("release_year"), pl.col("timestamp")
    decade = pl.format("{}s", year.clip(lower_bound=1920) // 10 * 10)  # 1919 counts as the 1920s
    table = ratings.filter(pl.col("rating") != 3).select(
        label=(pl.col("rating") > 3).cast(pl.Int8),
        gender="gender",
        age="age",
        occupation="occupation",
        zip_code="zip_code",
        genres="genres",
        release=pl.when(year < 1970).then(decade).otherwise(year.cast(pl.String)),
        timestamp=(time - time.min()) / (time.max() - time.min()),
    )
    rows = list(range(table.height))
    random.Random(SEED).shuffle(rows)
    train, valid = int(0.8 * len(rows)), int(0.9 * len(rows))
    return {
        "train": table[rows[:train]],
        "valid": table[rows[train:valid]],
        "test": table[rows[valid:]],
    }


def domains(ratings: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Returns every rating with the labels `like` (4 or 5) and `favourite` (5) and its domain."""
    age = pl.col("age")
    group = pl.when(age < 25).then(pl.lit("under 25")).when(age < 35).then(pl.lit("25 to 34"))
    table = ratings.with_columns(
        age_group=group.otherwise(pl.lit("35 and over")),
        like=(pl.col("rating") >= 4).cast(pl.Int8),
        favourite=(pl.col("rating") == 5).cast(pl.Int8),
    )
    return {"ratings": table}


def history(ratings: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Returns ratings but 3, with the films that the user had liked before, oldest first.

    Strictly before: users rate many films in the same second, and those say nothing to a model
    that has to score them all at once.
    """
    likes = ratings.filter(pl.col("rating") > 3).sort("timestamp", maintain_order=True)
    counted = likes.select(
        "user_id", "timestamp", before=pl.int_range(1, pl.len() + 1).over("user_id")
    )
    liked = likes.group_by("user_id").agg(liked=pl.col("item_id"))
    table = ratings.filter(pl.col("rating") != 3).with_row_index("row")
    table = table.sort("timestamp", maintain_order=True).join_asof(
        counted, on="timestamp", by="user_id", allow_exact_matches=False, check_sortedness=False
    )
    before = pl.col("before").fill_null(0)
    kept = pl.min_horizontal(before, MAX_HISTORY)
    table = (
        table.join(liked, on="user_id", how="left")
        .sort("row")
        .with_columns(
            label=(pl.col("rating") > 3).cast(pl.Int8),
            history=pl.col("liked").fill_null([]).list.slice(before - kept, kept),
        )
    )
    return {"ratings": table.drop("row", "before", "liked", "rating")}


PROTOCOLS = {"autoint": autoint, "domains": domains, "history": history}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", type=Path, nargs="?", help="with ratings.dat, users.dat, movies.dat"
    )
    parser.add_argument("--ratings-parquet", type=Path, help="the three tables joined, instead")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--protocol", choices=list(PROTOCOLS), default="autoint")
    parser.add_argument("--download", action="store_true", help="fetch the files into the folder")
    options = parser.parse_args(arguments)
    if (options.folder is None) == (options.ratings_parquet is None):
        parser.error("give the folder of the original files or --ratings-parquet")
    if options.download:
        download(options.folder)
    if options.folder:
        ratings = read_original(options.folder)
    else:
        ratings = pl.read_parquet(options.ratings_parquet)
    print(f"{ratings.height:,} ratings")
    options.out.mkdir(parents=True, exist_ok=True)
    for part, table in PROTOCOLS[options.protocol](ratings).items():
        table.write_parquet(options.out / f"{part}.parquet")
        labels = [c for c in ("label", "like", "favourite") if c in table.columns]
        positive = ", ".join(f"{label} {table[label].sum():,} positive" for label in labels)
        print(f"{part}: {table.height:,} rows, {positive}")


if __name__ == "__main__":
    main()
