import polars as pl
import pytest

from ctrmoe.cli import main


@pytest.fixture
def raw(test_rows, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    test_rows.write_parquet(folder / "good.parquet")
    (folder / "bad.parquet").write_bytes((folder / "good.parquet").read_bytes()[:-200])
    return folder


def call(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["score", *map(str, arguments)])
    return ended.value.code or 0


def test_files_left_out_give_code_3_and_a_line_each(exported, raw, tmp_path, capsys, caplog):
    out = tmp_path / "scores [red]"
    code = call(exported, raw, "--out", out, "--on-error", "skip", "--workers", 1)

    assert code == 3
    assert [("bad.parquet" in line, "\n" in line) for line in caplog.messages] == [(True, False)]
    shown = capsys.readouterr().out
    assert f"Wrote {out}: 700 rows in 1 file" in shown
    assert "Left out 1 file: mend, then `--resume`." in shown
    assert pl.read_parquet(out / "good.parquet", glob=False).height == 700


def test_bad_file_gives_code_2(exported, raw, tmp_path, capsys):
    assert call(exported, raw, "--out", tmp_path / "out") == 2

    assert "bad.parquet can't be read" in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["2", "1/0", "a/b", "3/2"])
def test_share_that_is_none(exported, raw, tmp_path, capsys, shard):
    assert call(exported, raw, "--out", tmp_path / "out", "--shard", shard) == 2

    assert "shard` must be i/n" in capsys.readouterr().err
