import polars as pl
import pytest

from ctrmoe.config import ConfigError
from ctrmoe.explain import explain
from ctrmoe.schema import SchemaError


@pytest.fixture(scope="module")
def written(run, test_rows, tmp_path_factory):
    """What a trained AutoInt with an MLP and a linear term gives, twice."""
    folder = tmp_path_factory.mktemp("explained")
    options = {"rows": 200, "seed": 2, "repeats": 1}
    tables = [explain(run, test_rows, folder / name, **options) for name in ("one", "two")]
    return folder, tables[0]


def test_folder_holds_page_pictures_and_tables(written):
    folder, tables = written

    names = {path.name for path in (folder / "one").iterdir()}

    assert names == {
        "index.html",
        "importance.parquet",
        "importance.csv",
        "importance_click.png",
        "importance_conversion.png",
        "attention.parquet",
        "attention.csv",
        "attention_fields_to_fields.png",
        "attention_fields_to_fields_by_head.png",
        "attention_fields_to_fields_by_domain.png",
    }
    assert set(tables) == {"importance", "attention"}
    for name, table in tables.items():
        assert pl.read_parquet(folder / "one" / f"{name}.parquet").equals(table)
        csv = pl.read_csv(folder / "one" / f"{name}.csv", infer_schema_length=None)
        assert csv.select(table.columns).height == table.height


def test_page_names_tasks_rows_and_every_feature(run, written):
    page = (written[0] / "one" / "index.html").read_text(encoding="utf-8")

    assert "200 (seed 2)" in page
    assert "Permutation importance" in page and 'id="attention"' in page
    for name in (*run.tasks, *(feature.name for feature in run.schema.features)):
        assert name in page
    assert page.count("data:image/png;base64,") == 5


def test_the_same_arguments_give_the_same_bytes(written):
    folder, _ = written

    for path in (folder / "one").iterdir():
        assert path.read_bytes() == (folder / "two" / path.name).read_bytes(), path.name


def test_generated_features_come_with_tables_and_pictures(make_run, test_rows, tmp_path):
    tables = explain(make_run("fgcnn"), test_rows, tmp_path / "out", rows=200, repeats=0)

    assert set(tables) == {"generated_features", "generated_features_fields"}
    assert {path.stem for path in (tmp_path / "out").glob("*.png")} == {
        "generated_features_click",
        "generated_features_conversion",
        "generated_features_fields",
    }


def test_without_repeats_no_label_is_needed(make_run, test_rows, tmp_path):
    unlabelled = test_rows.drop("click", "conversion")

    tables = explain(make_run("autoint"), unlabelled, tmp_path / "out", rows=100, repeats=0)

    assert set(tables) == {"attention"}
    assert tables["attention"]["task"].null_count() == tables["attention"].height


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rows": 0}, ConfigError, "`rows` must be at least 1. Received: rows=0"),
        ({"repeats": -1}, ConfigError, "`repeats` must not be negative. Received: repeats=-1"),
        ({"seed": -1}, ConfigError, "`seed` must not be negative. Received: seed=-1"),
        ({"features": ["nothing"]}, SchemaError, "`features` must be features of the run"),
    ],
)
def test_arguments_that_are_wrong_leave_nothing(run, test_rows, tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        explain(run, test_rows, tmp_path / "out", **options)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_kept(run, test_rows, tmp_path):
    (tmp_path / "notes.txt").write_text("keep me")

    with pytest.raises(SchemaError, match="must be empty or not exist"):
        explain(run, test_rows, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
