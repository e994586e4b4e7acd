import os
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from ctrmoe.data.sources import Origin, find_files
from ctrmoe.schema import SchemaError

NAMES = ["a.csv", "b.parquet", "e.PARQUET", "deep/c.TSV.gz", "deep/d.txt"]


@pytest.fixture
def folder(tmp_path):
    names = [
        "b.parquet",
        "a.csv",
        "deep/c.TSV.gz",
        "deep/d.txt",
        "e.PARQUET",
        "_SUCCESS",
        "_temporary/x.parquet",
        ".hidden.parquet",
        "notes.md",
    ]
    for name in names:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "data"


def relative(files):
    return [file.relative.as_posix() for file in files]


def test_folder_is_searched_in_the_order_of_names(folder):
    files = find_files(folder)

    assert relative(files) == NAMES
    assert [file.path for file in files] == [folder / name for name in relative(files)]


def test_paths_keep_the_order_given(folder):
    files = find_files([folder / "b.parquet", str(folder / "a.csv")])

    assert relative(files) == ["b.parquet", "a.csv"]


def test_file_found_twice_is_read_once(folder):
    files = find_files([folder / "b.parquet", folder])

    assert relative(files) == ["b.parquet", "a.csv", *NAMES[2:]]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.parquet", ["b.parquet"]),
        ("**/*.t*", ["deep/d.txt"]),
        ("d*", ["deep/c.TSV.gz", "deep/d.txt"]),
    ],
)
def test_glob_names_files_relative_to_its_fixed_part(folder, pattern, expected):
    assert relative(find_files(f"{folder}/{pattern}")) == expected


def test_file_with_brackets_in_its_name_is_no_glob(tmp_path):
    (tmp_path / "a[1].csv").touch()

    assert relative(find_files(tmp_path / "a[1].csv")) == ["a[1].csv"]


def test_partitions_become_columns(tmp_path):
    path = tmp_path / "day=2024-01-01" / "city=K%C3%B6ln" / "p.parquet"
    null = tmp_path / "day=__HIVE_DEFAULT_PARTITION__" / "p.parquet"
    for place in (path, null):
        place.parent.mkdir(parents=True)
        place.touch()

    files = find_files(tmp_path)

    assert [file.partitions for file in files] == [
        {"day": "2024-01-01", "city": "Köln"},
        {"day": None},
    ]
    assert find_files(f"{tmp_path}/day=2*/*/*.parquet")[0].partitions == files[0].partitions


def test_files_of_equal_names_are_told_apart(tmp_path):
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").touch()

    files = find_files([tmp_path / "x" / "a.csv", tmp_path / "y" / "a.csv"])

    assert relative(files) == ["x/a.csv", "y/a.csv"]


def test_frames_are_sources():
    frames = [pl.DataFrame({"a": ["b"]}), pl.LazyFrame({"a": ["c"]})]

    files = find_files(frames)

    assert relative(files) == ["frame-0", "frame-1"]
    assert [file.frame["a"].to_list() for file in files] == [["b"], ["c"]]
    assert len(find_files(frames[0])) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.csv", "missing.csv doesn't exist. Check the path"),
        ("*.parquet", "No file matches .* Check the pattern"),
        ("empty", "empty holds no .* file. Check the path"),
        ("", "An empty path doesn't exist"),
        ("s3://logs/a.parquet", "must lie in the file system. Received: 's3://logs/a.parquet'"),
    ],
)
def test_nothing_found_is_refused(tmp_path, path, message):
    (tmp_path / "empty").mkdir()

    with pytest.raises(SchemaError, match=message):
        find_files(path if "://" in path or not path else os.path.join(tmp_path, path))


@pytest.mark.parametrize("table", [None, 3, pd.Series(["x"]), pl.Series(["x"]), {"a": [1]}])
def test_what_is_no_table_is_refused(table):
    name = type(table).__name__

    with pytest.raises(SchemaError, match=f"A table must be a path, .* Received: {name}"):
        find_files(table)


def test_no_path_is_refused():
    with pytest.raises(SchemaError, match="No file was given"):
        find_files([])


def test_parquet_is_known_by_its_first_bytes(tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "data")
    (tmp_path / "text").write_text("a\n1\n")

    assert find_files(tmp_path / "data")[0].is_parquet
    assert not find_files(tmp_path / "text")[0].is_parquet


def test_origin_counts_rows_from_one():
    assert Origin("a.csv", 10).row(0) == "a.csv, row 11"


def test_str_of_a_file_is_its_path():
    (file,) = find_files(Path(__file__))

    assert str(file) == __file__
