import os
import random
import runpy
import zipfile
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ctrmoe.schema import Schema

FOLDER = Path(__file__).parents[2] / "datasets" / "movielens_1m"
FILES = {
    "users.dat": "1::F::1::10::48067\n2::M::25::16::55455-1234\n3::M::56::7::00601\n",
    "movies.dat": (
        "7::Misérables, Les (1995)::Drama|Musical\n"
        "9::Daddy Long Legs (1919)::Comedy\n"
        "11::2001: A Space Odyssey (1968)::Drama|Mystery|Sci-Fi\n"
    ),
    "ratings.dat": (
        "1::7::5::978300760\n1::9::3::978300900\n1::11::2::978300761\n2::11::4::978300860\n"
        "2::7::3::978301000\n3::9::1::978300770\n3::7::4::978300800\n"
    ),
}


@pytest.fixture
def originals(tmp_path):
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="latin-1")
    return folder


@pytest.fixture(scope="module")
def recipe():
    return runpy.run_path(str(FOLDER / "prepare.py"))


def test_read_original_joins_in_the_order_of_the_ratings(recipe, originals):
    table = recipe["read_original"](originals)

    assert table.columns == [
        "user_id", "item_id", "rating", "timestamp", "age", "gender", "occupation", "zip_code",
        "release_year", "genres",
    ]  # fmt: skip
    assert table.row(0) == (
        1, "Misérables, Les (1995)", 5, 978300760, 1, "F", 10, "48067", 1995, ["Drama", "Musical"],
    )  # fmt: skip
    assert table.row(5) == (
        3, "Daddy Long Legs (1919)", 1, 978300770, 56, "M", 7, "00601", 1919, ["Comedy"],
    )  # fmt: skip
    assert table["rating"].to_list() == [5, 3, 2, 4, 3, 1, 4]


def test_autoint_protocol_by_hand(recipe, originals):
    parts = recipe["autoint"](recipe["read_original"](originals))

    # Ratings of 3 are dropped; the least and the largest time are those of the rest.
    kept = [
        {"label": 1, "gender": "F", "release": "1995", "timestamp": 0.0},
        {"label": 0, "gender": "F", "release": "1960s", "timestamp": 0.01},
        {"label": 1, "gender": "M", "release": "1960s", "timestamp": 1.0},
        {"label": 0, "gender": "M", "release": "1920s", "timestamp": 0.1},
        {"label": 1, "gender": "M", "release": "1995", "timestamp": 0.4},
    ]
    order = list(range(5))
    random.seed(2019)
    random.shuffle(order)
    rows = {part: table.select(kept[0].keys()).to_dicts() for part, table in parts.items()}
    assert rows["train"] == [pytest.approx(kept[i]) for i in order[:4]]
    assert rows["valid"] == []
    assert rows["test"] == [pytest.approx(kept[i]) for i in order[4:]]


def test_autoint_split_has_the_published_sizes(recipe):
    rows = 739_012
    ratings = pl.select(
        rating=pl.lit(5), release_year=1990, timestamp=pl.int_range(rows), gender=pl.lit("F"),
        age=1, occupation=1, zip_code=pl.lit("1"), genres=pl.lit(["Drama"], dtype=pl.List(str)),
    )  # fmt: skip

    parts = recipe["autoint"](ratings)

    assert [parts[p].height for p in ("train", "valid", "test")] == [591_209, 73_901, 73_902]
    first = (parts["train"]["timestamp"][:3] * (rows - 1)).round().to_list()
    assert first == [267_421, 70_724, 17_512]  # random.seed(2019); random.shuffle(rows)


@pytest.mark.parametrize(
    ("protocol", "schema"),
    [
        ("autoint", "schema"),
        ("domains", "schema_domains"),
        ("history", "schema_ids"),
        ("history", "schema_history"),
    ],
)
def test_prepare_writes_tables_that_fit_the_schema(recipe, originals, tmp_path, protocol, schema):
    arguments = ["--out", str(tmp_path / "out"), "--protocol", protocol]

    recipe["main"]([str(originals), *arguments])

    schema = Schema.load(FOLDER / f"{schema}.toml")
    for path in (tmp_path / "out").iterdir():
        columns = pl.read_parquet_schema(path)
        wanted = {f.name for f in schema.features} | {task.label for task in schema.tasks}
        wanted |= {schema.domain, schema.group, schema.timestamp} - {""}
        assert wanted <= set(columns)


def test_domains_protocol_keeps_every_rating(recipe, originals):
    table = recipe["domains"](recipe["read_original"](originals))["ratings"]

    assert table["like"].to_list() == [1, 0, 0, 1, 0, 0, 1]
    assert table["favourite"].to_list() == [1, 0, 0, 0, 0, 0, 0]
    assert table["age_group"].to_list() == ["under 25"] * 3 + ["25 to 34"] * 2 + ["35 and over"] * 2


def test_history_holds_the_last_films_liked_strictly_before(recipe):
    generator = random.Random(5)
    rows = [
        {
            "user_id": generator.randint(1, 3),
            "item_id": f"film {i}",
            "rating": rating,
            "timestamp": t,
        }
        for i in range(600)
        # Few different times, so that many ratings of a user share one.
        for rating, t in [(generator.randint(1, 5), generator.randint(1, 60))]
    ]

    table = recipe["history"](pl.DataFrame(rows))["ratings"]

    kept = [row for row in rows if row["rating"] != 3]
    assert table["label"].to_list() == [int(row["rating"] > 3) for row in kept]
    longest = 0
    for row, found in zip(kept, table["history"].to_list(), strict=True):
        liked = [
            (other["timestamp"], i, other["item_id"])
            for i, other in enumerate(rows)
            if other["user_id"] == row["user_id"] and other["rating"] > 3
            and other["timestamp"] < row["timestamp"]
        ]  # fmt: skip
        assert found == [item for _, _, item in sorted(liked)][-50:]
        longest = max(longest, len(liked))
    assert longest > 50


def test_joined_table_gives_the_same_as_the_original_files(recipe, originals, tmp_path):
    recipe["read_original"](originals).write_parquet(tmp_path / "ratings.parquet")

    recipe["main"]([str(originals), "--out", str(tmp_path / "a")])
    recipe["main"](
        ["--ratings-parquet", str(tmp_path / "ratings.parquet"), "--out", str(tmp_path / "b")]
    )

    for part in ("train", "valid", "test"):
        first, second = (tmp_path / x / f"{part}.parquet" for x in "ab")
        assert first.read_bytes() == second.read_bytes()


def test_download_unpacks_the_tables(recipe, originals, tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w") as archive:
        for name in (*FILES, "README"):
            archive.writestr(f"ml-1m/{name}", FILES.get(name, "").encode("latin-1"))
    globals_ = recipe["download"].__globals__
    monkeypatch.setitem(globals_, "URL", (tmp_path / "ml-1m.zip").as_uri())

    recipe["download"](tmp_path / "new")

    assert {p.name: p.read_bytes() for p in (tmp_path / "new").iterdir()} == {
        p.name: p.read_bytes() for p in originals.iterdir()
    }


def test_folder_and_joined_table_exclude_each_other(recipe, tmp_path, capsys):
    with pytest.raises(SystemExit):
        recipe["main"](["--out", str(tmp_path)])

    assert "give the folder of the original files or --ratings-parquet" in capsys.readouterr().err


@pytest.mark.skipif(
    "CTRMOE_MOVIELENS" not in os.environ,
    reason="CTRMOE_MOVIELENS names no parquet file of the joined ratings; GroupLens forbids a copy",
)
def test_original_form_of_the_real_ratings_is_read_back(recipe, tmp_path):
    ratings = pl.read_parquet(os.environ["CTRMOE_MOVIELENS"])
    titles = ratings.select("item_id").unique(maintain_order=True).with_row_index("movie_id", 1)
    table = ratings.join(titles, on="item_id", how="left", maintain_order="left").with_columns(
        pl.col("genres").list.join("|")
    )
    files = {
        "ratings.dat": table.select("user_id", "movie_id", "rating", "timestamp"),
        "users.dat": table.select("user_id", "gender", "age", "occupation", "zip_code"),
        "movies.dat": table.select("movie_id", "item_id", "genres"),
    }
    for name, columns in files.items():
        lines = columns.unique(maintain_order=True).select(
            pl.concat_str(pl.all().cast(pl.String), separator="::")
        )
        text = "\n".join(lines.to_series()) + "\n"
        (tmp_path / name).write_text(text, encoding="latin-1")

    assert_frame_equal(recipe["read_original"](tmp_path), ratings, check_exact=True)
