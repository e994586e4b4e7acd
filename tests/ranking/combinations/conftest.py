import numpy as np
import pytest

from ctrmoe.data.sources import find_files
from ctrmoe.ranking.combinations.code_reader import CodeReader
from ctrmoe.ranking.combinations.codes import Codes
from ctrmoe.ranking.ranker import Ranker
from ctrmoe.schema import Schema


@pytest.fixture(scope="session")
def codes_of():
    """Makes codes of columns of whole numbers from 0."""

    def build(labels, missing=(), **columns):
        columns = {name: np.asarray(column) for name, column in columns.items()}
        categories = {name: int(column.max()) + 1 for name, column in columns.items()}
        narrow = {n: c.astype(np.min_scalar_type(categories[n])) for n, c in columns.items()}
        last = {n: categories[n] - 1 if n in missing else None for n in columns}
        return Codes(narrow, categories, last, np.asarray(labels, np.uint8))

    return build


@pytest.fixture(scope="session")
def parity():
    """Two columns of four values, and a label that is their parity but for a tenth of the rows."""

    def build(rows=4_000, seed=3):
        random = np.random.default_rng(seed)
        a, b = random.integers(0, 4, (2, rows))
        return a, b, ((a + b) % 2) ^ (random.random(rows) < 0.1)

    return build


@pytest.fixture(scope="session")
def reader_of():
    """Makes the reader of a table of categorical features; numbers and `tags` are told by name."""

    def build(frame, chunk_rows=1_000, **options):
        kinds = {"price": "numeric"}
        features = [
            {"name": name, "kind": kinds.get(name, "categorical")}
            for name in frame.columns
            if name != "click"
        ]
        schema = Schema.from_dict(
            {"name": "shop", "tasks": [{"name": "click"}], "features": features}
        )
        ranker = Ranker(schema, threads=1)
        ranker.add(frame)
        encoders = {f.name: ranker.counts(f.name, "click").encoder() for f in schema.features}
        rows = frame.height - frame["click"].null_count()
        files = find_files(frame)
        task = schema.tasks[0]
        return CodeReader(files, schema, task, encoders, rows, chunk_rows, 2, **options)

    return build
