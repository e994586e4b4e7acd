import json

import pytest

from ctrmoe.schema import SchemaError
from ctrmoe.scoring.ledger import Ledger
from ctrmoe.scoring.records import FileRecord

RECORDS = [FileRecord(f"{name}.parquet", 5, 70, "00", (9, 1), 0.5) for name in "abc"]


def ledger(out, **changes):
    return Ledger(out, **{"model": "m", "keep": ["x"], **changes})


def write(out, records, **changes):
    """What a scoring that is killed leaves."""
    book = ledger(out, **changes)
    with book.held(book.read()):
        for record in records:
            book.add(record)


def test_records_are_read_as_they_were_written(tmp_path):
    write(tmp_path / "out", RECORDS)

    assert ledger(tmp_path / "out").read() == {record.name: record for record in RECORDS}


def test_folder_without_a_ledger_has_no_records(tmp_path):
    assert ledger(tmp_path / "out").read() is None


@pytest.mark.parametrize("cut", [1, 20, 80])
def test_line_that_a_kill_cut_off_is_left_out(tmp_path, cut):
    write(tmp_path / "out", RECORDS[:2])
    path = tmp_path / "out" / ".score.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])

    write(tmp_path / "out", RECORDS[2:])

    assert list(ledger(tmp_path / "out").read()) == ["a.parquet", "c.parquet"]


def test_later_line_of_a_file_counts(tmp_path):
    again = FileRecord("a.parquet", 6, 80, "11", (9, 2))
    write(tmp_path / "out", [*RECORDS, again])

    assert ledger(tmp_path / "out").read()["a.parquet"] == again


@pytest.mark.parametrize("change", [{"model": "n"}, {"keep": []}])
def test_records_of_another_scoring(tmp_path, change):
    write(tmp_path / "out", RECORDS)

    with pytest.raises(SchemaError, match="out holds scores of another model or other columns"):
        ledger(tmp_path / "out", **change).read()


def test_end_turns_the_lines_into_a_manifest(tmp_path):
    out = tmp_path / "out"
    book = ledger(out)
    with book.held(None):
        for record in RECORDS:
            book.add(record)
        for name in ("a.parquet", "b.parquet"):
            (out / name).touch()
        book.finish({"b.parquet": "bad", "d.parquet": "worse"})

    manifest = json.loads((tmp_path / "out.json").read_text())
    assert [file["name"] for file in manifest["files"]] == ["a.parquet"]
    assert manifest["rows"] == 5
    assert manifest["failed"] == {"b.parquet": "bad", "d.parquet": "worse"}
    assert sorted(path.name for path in out.iterdir()) == ["a.parquet", "b.parquet"]
    assert list(ledger(out).read()) == ["a.parquet"]


def test_shards_know_each_other_s_records(tmp_path):
    for number, record in enumerate(RECORDS, start=1):
        write(tmp_path / "out", [record], shard=(number, 3))

    assert list(ledger(tmp_path / "out").read()) == ["a.parquet", "b.parquet", "c.parquet"]


def test_two_processes_do_not_write_to_one_folder(tmp_path):
    with ledger(tmp_path / "out").held(None):
        with pytest.raises(SchemaError, match="Another process writes scores to .*out"):
            with ledger(tmp_path / "out").held(None):
                pass
        with ledger(tmp_path / "out", shard=(1, 2)).held(None):
            pass


def test_folder_in_which_nothing_was_done_goes_again(tmp_path):
    with pytest.raises(ZeroDivisionError), ledger(tmp_path / "out").held(None):
        raise ZeroDivisionError

    assert not (tmp_path / "out").exists()
