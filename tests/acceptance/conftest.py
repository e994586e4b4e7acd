import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from ctrmoe.config import Config
from ctrmoe.schema import Schema

TEXTS = ["a", "bb", "ünï ✓", "点击", " ", "7", "-0.0", "NaN", "tab\there", "nul\0", "x" * 10_000]
ITEMS = [*range(20), -5, 2**62]
DOMAINS = ["feed", "search", "story"]
EVERY_KIND = Schema.from_dict(
    {
        "name": "every-kind",
        "domain": "placement",
        "tasks": [{"name": "click"}],
        "features": [
            {"name": "placement", "kind": "categorical"},
            {"name": "item", "kind": "categorical"},
            {"name": "user", "kind": "categorical", "oov_buckets": 3},
            {"name": "page", "kind": "categorical", "hash_buckets": 11},
            {"name": "plain", "kind": "numeric"},
            {"name": "standard", "kind": "numeric", "transform": "standard"},
            {"name": "log", "kind": "numeric", "transform": "log"},
            {"name": "square", "kind": "numeric", "transform": "log_square"},
            {"name": "bucket", "kind": "numeric", "transform": "quantile", "buckets": 5},
            {"name": "tags", "kind": "categorical", "max_length": 3},
            {"name": "joined", "kind": "categorical", "max_length": 3, "separator": "|"},
            {"name": "history", "kind": "sequence", "max_length": 4, "vocabulary": "item"},
            {"name": "words", "kind": "sequence", "max_length": 2},
        ],
    }
)
NUMBERS = [feature.name for feature in EVERY_KIND.features if feature.kind == "numeric"]
TYPES = {
    **{name: pl.String() for name in ("placement", "user", "page", "joined")},
    **{name: pl.Float32() for name in NUMBERS},
    "item": pl.Int64(),
    "tags": pl.List(pl.String()),
    "history": pl.List(pl.Int64()),
    "words": pl.List(pl.String()),
}


@pytest.fixture(scope="session")
def every_kind():
    """Draws a table of features of every kind: `every_kind(rows, seed)`."""

    def draw(rows, seed):
        rng = np.random.default_rng(seed)

        def texts():
            return [TEXTS[i] for i in rng.integers(len(TEXTS), size=rows)]

        def lists(pool):
            return [
                [pool[i] for i in rng.integers(len(pool), size=length)]
                for length in rng.integers(6, size=rows)
            ]

        numbers = rng.lognormal(size=(len(NUMBERS), rows)) * rng.choice([-1, 1, 100], rows)
        items = rng.choice(ITEMS, rows)
        columns = {
            "placement": rng.choice(DOMAINS, rows, p=[0.6, 0.3, 0.1]),
            "item": items,
            "user": texts(),
            "page": texts(),
            **dict(zip(NUMBERS, numbers, strict=True)),
            "tags": lists(TEXTS),
            "joined": ["|".join(row) for row in lists(TEXTS[:4])],
            "history": lists(ITEMS),
            "words": lists(TEXTS),
        }
        frame = pl.DataFrame(columns, schema_overrides=TYPES)
        click = rng.random(rows) < np.where(items < 8, 0.7, 0.2)
        return frame.with_columns(click=pl.Series(click.astype(np.int8)))

    return draw


@pytest.fixture(scope="session")
def every_kind_run(every_kind, tmp_path_factory):
    """A run of AutoInt+ with a linear term on features of every kind."""
    from ctrmoe.data.prepare import prepare
    from ctrmoe.training import train

    folder = tmp_path_factory.mktemp("every-kind")
    prepare(EVERY_KIND, every_kind(1_000, 0), valid=every_kind(200, 1), out=folder / "prepared")
    config = {
        "data": {"prepared": str(folder / "prepared")},
        "model": {
            "embedding": {"dim": 4, "dims": {"user": 2}},
            "interaction": {"kind": "autoint", "num_layers": 1, "num_heads": 2, "key_dim": 4},
            "deep": {"units": [8]},
            "wide": True,
        },
        "train": {"epochs": 2, "batch_size": 64, "learning_rate": 0.05},
    }
    return train(Config.from_dict(config), folder / "run")


@pytest.fixture(scope="session")
def every_kind_export(every_kind_run, tmp_path_factory):
    """The version folder of that run's export."""
    from ctrmoe.export import export

    return export(every_kind_run, tmp_path_factory.mktemp("models") / "every-kind")


@pytest.fixture(scope="session")
def answers(every_kind_run, every_kind_export):
    """Predicts raw rows by the run and by the signatures of its export: a dict of `[n]` arrays."""
    import tensorflow as tf

    from ctrmoe.export.raw_tensors import raw_tensors, serialize_examples
    from ctrmoe.scorer import Scorer

    run, schema = Scorer.load(every_kind_run.folder), every_kind_run.schema
    exported = Scorer.load(every_kind_export)
    loaded = tf.saved_model.load(str(every_kind_export))

    def predict(rows):
        examples = tf.constant(serialize_examples(rows, schema))
        tensors = raw_tensors(rows, schema)
        return {
            "run": run.score(rows)["click_probability"].to_numpy(),
            "serve_encoded": exported.score(rows)["click_probability"].to_numpy(),
            "serving_default": loaded.signatures["serving_default"](**tensors)["click"][:, 0],
            "serve_examples": loaded.signatures["serve_examples"](examples=examples)["click"][:, 0],
        }

    return predict


@pytest.fixture(scope="session")
def change_rows(every_kind):
    """Makes one row of each `(feature, value)`, equal to one drawn row in all other features."""
    base = every_kind(1, 5).drop("click")

    def change(*changes):
        return pl.concat(
            base.with_columns(pl.Series(name, [value], TYPES[name])) for name, value in changes
        )

    return change


@pytest.fixture(scope="session")
def fresh_python():
    """Runs code in a new process and returns what it prints."""

    def run(code, *arguments):
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run
