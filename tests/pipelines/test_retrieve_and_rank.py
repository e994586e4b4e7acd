import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import polars as pl
import pytest

USERS, FILMS = 80, 60


@pytest.fixture
def ratings(tmp_path):
    """Users of four tastes, who like the films of their own and rate a few others badly."""
    random = np.random.default_rng(1)
    users, films = np.repeat(np.arange(USERS), 30), []
    for user in range(USERS):
        own = random.random(FILMS) + 2 * (np.arange(FILMS) % 4 == user % 4)
        films.append(np.argsort(-own)[:30])
    order = random.permutation(len(users))
    users, films = users[order], np.concatenate(films)[order]
    pl.DataFrame(
        {
            "user_id": users,
            "item_id": [f"film {film}" for film in films],
            "rating": np.where(films % 4 == users % 4, 5, 2),
            "timestamp": np.arange(len(users)),
            "gender": np.where(users % 2, "F", "M"),
            "age": 18 + users % 3,
            "occupation": users % 5,
            "release_year": 1990 + films % 10,
            "genres": [["Drama", "War"] if film % 2 else ["Comedy"] for film in films],
        }
    ).write_parquet(tmp_path / "ratings.parquet")
    return tmp_path / "ratings.parquet"


def script(repository, *arguments, **environment):
    return subprocess.run(
        [sys.executable, repository / "pipelines" / "retrieve_and_rank.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


@pytest.mark.slow
@pytest.mark.skipif(
    not (find_spec("tensorflow_recommenders") and find_spec("tf_keras")),
    reason="the extra `retrieval` is not installed",
)
def test_two_stages_beat_popularity_where_tastes_differ(repository, ratings, tmp_path):
    """By chance the 8 candidates of 40 unseen films hold a fifth of the likes."""
    towers = ["--towers", "--epochs", 8, "--batch-size", 64, "--dim", 8, "--learning-rate", 0.01]
    options = ["--candidates", 8, "--epochs", 2, *towers]

    done = script(repository, ratings, "--out", tmp_path / "out", *options)

    assert done.returncode == 0, done.stderr[-2000:]
    figures = json.loads((tmp_path / "out" / "figures.json").read_text())
    assert figures["towers"]["recall"] > 0.7 > figures["popularity alone"]["recall"]
    assert figures["towers, then the ranker"]["recall"] == figures["towers"]["recall"]
    assert figures["towers, then the ranker"]["ndcg"] > figures["popularity alone"]["ndcg"]
    assert "towers, then the ranker" in done.stdout
    rows = pl.read_parquet(tmp_path / "out" / "ranked.parquet")
    cut = pl.read_parquet(ratings)["timestamp"][int(0.9 * USERS * 30)]
    seen = pl.read_parquet(ratings).filter(pl.col("timestamp") < cut)
    assert rows.join(seen, on=["user_id", "item_id"], how="semi").is_empty()
    assert rows.group_by("user_id").len()["len"].unique().to_list() == [8]
    assert (tmp_path / "out" / "models" / "ranker" / "1" / "saved_model.pb").is_file()


@pytest.mark.slow
def test_towers_that_fail_leave_nothing(repository, ratings, tmp_path):
    """TensorFlow Recommenders is hidden behind a module that can't be imported."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "tensorflow_recommenders.py").write_text("raise ImportError('hidden')")

    done = script(
        repository, ratings, "--out", tmp_path / "out",
        PYTHONPATH=os.pathsep.join([str(tmp_path / "hidden"), *sys.path]),
    )  # fmt: skip

    assert done.returncode == 1
    assert "hidden. Install with: pip install 'ctrmoe[retrieval]'" in done.stderr
    assert "The towers have failed" in done.stderr
    assert not (tmp_path / "out").exists()
