"""Two stages: towers of TensorFlow Recommenders find a hundred items, our ranker orders them.

    pip install 'ctrmoe[retrieval]'
    python pipelines/retrieve_and_rank.py ratings.parquet --out ranked
    python pipelines/retrieve_and_rank.py ratings.parquet --out ranked --towers --index streaming

`ratings.parquet` is what `datasets/movielens_1m/prepare.py --protocol domains` writes. Time decides
what each part may know. The ranker learns on what towers of the past retrieve for users of a later
window, labelled by whether they liked it in that window. Then towers of all that came before the
test window retrieve for its users, and the exported ranker orders that. What a user has rated
before is no candidate; users without likes before are left out, as towers know nothing of them.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from two_stages import Window, measured, ordered

from ctrmoe.config import Config
from ctrmoe.data.atomic import atomic_folder
from ctrmoe.data.encode import Encoder
from ctrmoe.data.prepare import prepare
from ctrmoe.export import ExportOptions, export
from ctrmoe.export.requests import request
from ctrmoe.export.session import served_session
from ctrmoe.schema import Schema
from ctrmoe.scorer import ENCODER
from ctrmoe.training import train

OF_USER, OF_SCORE = ["gender", "age", "occupation"], ["retrieval_score", "position", "popularity"]
SCHEMA = {
    "name": "candidates",
    "group": "user_id",
    "tasks": [{"name": "like"}],
    "features": [
        {"name": "item_id", "kind": "categorical", "min_count": 5},
        *({"name": name, "kind": "categorical"} for name in (*OF_USER, "release_year")),
        {"name": "genres", "kind": "categorical", "max_length": 6},
        {"name": "retrieval_score", "kind": "numeric", "transform": "standard"},
        *({"name": name, "kind": "numeric", "transform": "log"} for name in OF_SCORE[1:]),
        {"name": "history", "kind": "sequence", "max_length": 50, "vocabulary": "item_id"},
    ],
}
MODEL = {
    "embedding": {"dim": 16, "dropout": 0.1},
    "pooling": {"kind": "target_attention"},
    "interaction": {"kind": "autoint", "num_layers": 2, "num_heads": 2, "key_dim": 16},
    "deep": {"units": [64], "dropout": 0.2},
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("ratings", type=Path)
    parser.add_argument("--out", type=Path, default=Path("ranked"))
    parser.add_argument("--windows", type=float, nargs=2, default=(0.75, 0.9), help="two cuts")
    parser.add_argument("--candidates", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=3, help="of the ranker")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--towers", nargs=argparse.REMAINDER, default=[], help="for two_towers.py")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    ratings = pl.read_parquet(options.ratings).sort("timestamp", maintain_order=True)
    cuts = [ratings["timestamp"][int(share * ratings.height)] for share in options.windows]
    later = Window.of(ratings, *cuts)
    test = Window.of(ratings, cuts[1], ratings["timestamp"][-1] + 1)
    with tempfile.TemporaryDirectory() as work, atomic_folder(options.out) as out:
        # 1. The ranker, of what towers of the past retrieve for the window after it.
        version = ranker(retrieved(later, Path(work), options), Path(work), out, options)

        # 2. Candidates of the test window, by towers that know all before it, and their order.
        found = ranked(retrieved(test, Path(work), options), version)

        # 3. The same candidates in other orders, and what is popular without any towers.
        orders = {
            "popularity alone": ordered(test.most_popular(options.candidates), "popularity"),
            "towers": ordered(found, "retrieval_score"),
            "towers, then popularity": ordered(found, "popularity"),
            "towers, then the ranker": ordered(found, "probability"),
        }
        figures = {name: measured(rows, test.truth) for name, rows in orders.items()}
        orders["towers, then the ranker"].write_parquet(out / "ranked.parquet")
        (out / "figures.json").write_text(json.dumps(figures, indent=2))
    users = test.truth["user_id"].n_unique()
    print(f"{users:,} users with {test.truth.height:,} likes in the test window")
    print(f"{'':24}{f'recall@{options.candidates}':>12}{'NDCG@10':>10}")
    for name, of in figures.items():
        print(f"{name:24}{of['recall']:12.4f}{of['ndcg']:10.4f}")


def retrieved(window: Window, work: Path, options: argparse.Namespace) -> pl.DataFrame:
    """Returns the candidates of a window's users, with features and labels."""
    items = window.items.with_columns(pl.col("genres").list.join("|"))
    command = [sys.executable, str(Path(__file__).with_name("two_towers.py"))]
    for name, table in {"likes": window.likes, "users": window.users, "items": items}.items():
        table.write_parquet(work / f"{name}.parquet")
        command += [f"--{name}", str(work / f"{name}.parquet")]
    command += ["--candidates", str(options.candidates), "--seed", str(options.seed)]
    command += ["--out", str(work / "candidates.parquet"), *options.towers]
    if subprocess.run(command).returncode:
        sys.exit("The towers have failed; see above.")
    return window.with_features(pl.read_parquet(work / "candidates.parquet"))


def ranker(rows: pl.DataFrame, work: Path, out: Path, options: argparse.Namespace) -> Path:
    """Trains on nine users of ten, keeps the epoch that is best for the tenth, and exports."""
    tenth = pl.col("user_id").hash(options.seed) % 10 == 0
    schema, prepared = Schema.from_dict(SCHEMA), work / "prepared"
    prepare(schema, rows.filter(~tenth), valid=rows.filter(tenth), out=prepared)
    training = {"epochs": options.epochs, "batch_size": 512, "learning_rate": 0.002}
    config = {"data": {"prepared": str(prepared)}, "model": MODEL, "train": training}
    run = train(Config.from_dict({"seed": options.seed, **config}), work / "run")
    of_candidate = [f.name for f in schema.features if f.name not in (*OF_USER, "history")]
    return export(run, out / "models" / "ranker", ExportOptions(candidates=of_candidate))


def ranked(rows: pl.DataFrame, version: Path) -> pl.DataFrame:
    """Asks the exported ranker once a user: what is the user's is sent and embedded once."""
    schema, shared = Encoder.load(version / ENCODER).schema, (*OF_USER, "history")
    users = rows.partition_by("user_id", maintain_order=True)
    with served_session(version) as answer:
        asked = (request("serve_candidates", user, schema, shared) for user in users)
        likes = [answer("serve_candidates", inputs)["like"][:, 0] for inputs in asked]
    return pl.concat(users).with_columns(probability=np.concatenate(likes))


if __name__ == "__main__":
    main()
