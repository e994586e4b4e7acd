import gzip

import polars as pl
import pytest

from ctrmoe.data.delimited import first_fault, scan_delimited, short_line
from ctrmoe.schema import SchemaError


def read(path, columns=()):
    return scan_delimited(path, columns).collect()


@pytest.fixture
def write(tmp_path):
    def write_text(text, name="a.csv"):
        path = tmp_path / name
        data = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_text


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt.gz"])
def test_delimiter_is_found(write, delimiter, name):
    path = write(f"a{delimiter}b\n1.5{delimiter}\n{delimiter}y\n", name)

    table = read(path)

    assert table.columns == ["a", "b"]
    assert table["b"].to_list() == [None, "y"]
    assert set(table.dtypes) == {pl.String}


def test_line_ends_quotes_and_byte_order_mark_of_spreadsheets(write):
    path = write('\ufeff"User ID";name\r\n7;"a;b ""c"""\r\n8;"two\nlines"\r\n')

    table = read(path)

    assert table.columns == ["User ID", "name"]
    assert table.rows() == [("7", 'a;b "c"'), ("8", "two\nlines")]


def test_one_column_is_read(write):
    assert read(write("a\n1\n2\n"))["a"].to_list() == ["1", "2"]


def test_file_without_header_takes_the_names_given(write):
    table = read(write("1\t\tx\n0\t2\t\n"), ("label", "I1", "C1"))

    assert table.columns == ["label", "I1", "C1"]
    assert table.rows() == [("1", None, "x"), ("0", "2", None)]


def test_header_that_repeats_the_names_given_is_no_row(write):
    assert read(write("label,x\n1,2\n"), ("label", "x")).rows() == [("1", "2")]


def test_names_that_do_not_fit_are_refused(write):
    with pytest.raises(
        SchemaError, match="`columns` must name every column. Received: 2 names for 3"
    ):
        read(write("1,2,3\n"), ("a", "b"))


def test_repeated_column_is_refused(write):
    with pytest.raises(SchemaError, match=r"must not repeat. Received twice: \['a'\]"):
        read(write("a,b,a\n1,2,3\n"))


@pytest.mark.parametrize("content", ["", "\n\n", b"\xef\xbb\xbf"])
def test_empty_file_is_refused(write, content):
    with pytest.raises(SchemaError, match="a.csv is empty"):
        read(write(content))


def test_other_encodings_are_refused(write):
    with pytest.raises(SchemaError, match="must be parquet or UTF-8 text. .* Convert it"):
        read(write("naïve,b\n1,2\n".encode("latin-1")))


def test_broken_gzip_is_refused(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" * 1000)[:20])
    with pytest.raises(SchemaError, match="is no whole gzip file"):
        read(path)

    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(SchemaError, match="is no whole gzip file"):
        read(path)


def test_blank_lines_before_the_header_are_no_header(write):
    assert read(write("\n\r\na,b\n1,2\n")).rows() == [("1", "2")]
    assert read(write("\n1,2\n3,4\n"), ("a", "b")).rows() == [("1", "2"), ("3", "4")]


def test_line_break_in_a_header_is_part_of_its_name(write):
    table = read(write('"a\nb",c\n1,2\n"3\n",4\n'))

    assert table.columns == ["a\nb", "c"]
    assert table.rows() == [("1", "2"), ("3\n", "4")]


def test_field_longer_than_the_limit_of_the_csv_module_is_read(write):
    long = "x" * 200_000

    assert read(write(f"a,b\n{long},1\n")).rows() == [(long, "1")]


@pytest.mark.parametrize("text", ["# exported on Monday\na,b\n1,2\n3,4\n", "a\n1,2\n3,4\n5,6\n"])
def test_first_line_that_names_too_few_columns_is_refused(write, text):
    with pytest.raises(SchemaError, match="first line must name every .* 1 names for 2 columns"):
        read(write(text))


def test_json_is_refused(write):
    with pytest.raises(SchemaError, match="a.csv must be parquet or delimited text. Received: JSO"):
        read(write('{"a": 1, "b": 2}\n{"a": 1, "b": 2}\n'))


def test_lines_that_end_with_carriage_returns_are_refused(write):
    with pytest.raises(SchemaError, match="lines must end with a line feed. Received: carriage"):
        read(write("a,b\r1,2\r3,4\r"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"a,b\n1,2\n" * 9, ""),
        (b"\na,b\n1,2\n1,2,3\n1,2\n", "line 4 has 3 fields, the first line 2"),
        (b"a,b,c\n1,2,\n1,2\n1,2,3\n", "line 3 has 2 fields, the first line 3"),
        (b"a,b,c\n1,2,\n\n1,2\n1,2,3\n", "line 3 is blank"),
        (b'a,b\n1,"2\n\n"\n1,\xe4\n', "line 5 is no UTF-8 text"),
        (b'a,b\n1,2\n1,"2\n3,4\n5,6\n', "line 3: a quote that is never closed"),
    ],
)
def test_first_fault_names_the_line(tmp_path, text, fault):
    path = tmp_path / "a.csv"
    path.write_bytes(text)
    if b"\xe4" in text:  # beyond the lines that are looked at first
        path.write_bytes(b"a,b\n" + b"1,2\n" * 20_000 + text[4:])
        fault = "line 20005 is no UTF-8 text"

    assert first_fault(path) == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a,b,c\n1,2,3\n,,\n1,2,\n", ""),
        ("a,b,c\n1,2,3\n\n1,2,\n", "line 3 is blank"),
        ("a,b,c\r\n1,2,3\r\n1,2,\r\n\r\n", "line 4 is blank"),
        ('a,b\n1,"2\n\n3"\n', ""),
        ('a,b,c\n1,"two\nlines, or ""three""",\n', ""),
        ('a,b,c\n1,"two\nlines",\n4,5\n', "line 4 has 2 fields, the first line 3"),
        ("a|b|c\n1|2|3\n1|2|3\n7|8", "line 4 has 2 fields, the first line 3"),
        ("a\n1\n\n", ""),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_short_line_is_one_that_ends_before_the_last_column(write, text, fault, name):
    assert short_line(write(text, name)) == fault
