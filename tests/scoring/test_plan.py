import polars as pl

from ctrmoe.data.sources import find_files
from ctrmoe.scoring.plan import plan_files, share, total_rows


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
