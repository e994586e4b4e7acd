import numpy as np
import polars as pl
import pytest

from ctrmoe.data import labelled
from ctrmoe.data.encode import Encoder
from ctrmoe.data.labelled import labelled_chunks
from ctrmoe.schema import Schema, SchemaError

SCHEMA = Schema.from_dict(
    {
        "name": "t",
        "group": "user",
        "tasks": [{"name": "click", "column": "clicked"}],
        "features": [{"name": "item", "kind": "categorical"}],
    }
)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two files of eight rows; chunks have five."""
    monkeypatch.setattr(labelled, "CHUNK_ROWS", 5)
    for name in ("a", "b"):
        rows = {"item": [f"{name}{i}" for i in range(8)], "user": 1, "clicked": [0, 1] * 4}
        pl.DataFrame(rows | {"other": 0}).write_parquet(tmp_path / f"{name}.parquet")
    return [tmp_path / "a.parquet", tmp_path / "b.parquet"]


def test_chunks_hold_raw_rows_ids_and_labels(files):
    encoder = Encoder.fit(SCHEMA, files)

    chunks = list(labelled_chunks(encoder, files))

    assert [frame.height for frame, _, _ in chunks] == [5, 3, 5, 3]
    assert pl.concat(frame for frame, _, _ in chunks)["item"].to_list() == [
        f"{name}{i}" for name in "ab" for i in range(8)
    ]
    for frame, encoded, labels in chunks:
        assert sorted(frame.columns) == ["clicked", "item", "user"]
        np.testing.assert_array_equal(encoded.ids, encoder.encode(frame).ids)
        np.testing.assert_array_equal(labels["click"], frame["clicked"])


def test_bad_label_is_named_by_its_row_in_the_file(files):
    encoder = Encoder.fit(SCHEMA, files)
    rows = pl.read_parquet(files[1])
    labels = pl.Series("clicked", [0, 1, 0, 1, 0, 1, 7, 1])
    rows.with_columns(labels).write_parquet(files[1])

    with pytest.raises(SchemaError, match="Received: 7 in .*b.parquet, row 7"):
        list(labelled_chunks(encoder, files))
