import pytest

from ctrmoe.scorer import Scorer


@pytest.fixture(scope="session")
def scorer(exported):
    """The exported model, loaded once."""
    return Scorer.load(exported)


@pytest.fixture
def folder(test_rows, tmp_path):
    """Two files in a partitioned folder, the second with several row groups."""
    folder = tmp_path / "raw"
    (folder / "day=1").mkdir(parents=True)
    test_rows.head(100).write_parquet(folder / "day=1" / "a.parquet")
    test_rows.tail(600).write_parquet(folder / "b.parquet", row_group_size=90)
    return folder
