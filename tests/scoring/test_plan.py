import polars as pl
import pytest

from ctrmoe.data.sources import find_files
from ctrmoe.schema import SchemaError
from ctrmoe.scoring.plan import check_place, plan_files, share, total_rows


def plan(folder, out, rows=(3, 4, 5)):
    for number, count in enumerate(rows):
        pl.DataFrame({"x": range(count)}).write_parquet(folder / f"{number}.parquet")
    return plan_files(find_files([folder]), out)


def test_shares_hold_every_file_once(tmp_path):
    tasks = plan(tmp_path, tmp_path / "out", range(7))

    shares = [share(tasks, (i, 3)) for i in (1, 2, 3)]

    assert [[task.name for task in part] for part in shares] == [
        ["0.parquet", "3.parquet", "6.parquet"],
        ["1.parquet", "4.parquet"],
        ["2.parquet", "5.parquet"],
    ]


def test_total_is_that_of_the_footers(tmp_path):
    assert total_rows(plan(tmp_path, tmp_path / "out")) == 12


def test_total_leaves_out_what_cannot_be_read(tmp_path):
    tasks = plan(tmp_path, tmp_path / "out")
    (tmp_path / "1.parquet").write_bytes(b"PAR1")

    assert total_rows(tasks) == 8


def test_total_of_text_is_not_known(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")

    assert total_rows(plan(tmp_path, tmp_path / "out")) is None


def test_output_in_a_folder_that_is_read(tmp_path):
    for out in (tmp_path / "scores", tmp_path / "x" / "y"):
        with pytest.raises(SchemaError, match="`--out` must not lie in a folder that is read"):
            check_place(out, [tmp_path / "other", str(tmp_path)])
    check_place(tmp_path / "scores", [tmp_path / "day=*", tmp_path / "a.parquet", pl.DataFrame()])
    check_place(tmp_path.parent / "scores", [tmp_path])


def test_output_folder_that_is_a_file(tmp_path):
    (tmp_path / "scores").touch()

    with pytest.raises(SchemaError, match="scores must be a folder or not exist"):
        check_place(tmp_path / "scores", [])
