import numpy as np
import polars as pl
import pytest

from ctrmoe.data.domains import SplitDomains, check_domains
from ctrmoe.data.encode import Encoder
from ctrmoe.data.prepare import prepare
from ctrmoe.data.sources import Origin
from ctrmoe.data.vocabulary import Vocabulary
from ctrmoe.schema import Feature, Schema, SchemaError, Task

SCHEMA = Schema(
    name="t",
    tasks=(Task(name="click"),),
    features=(Feature(name="user", kind="categorical"),),
    domain="shop",
    unknown_domains="refuse",
    timestamp="time",
)
TEXT = Vocabulary(pl.Series(["a", "b"]), "string")
WHOLE = Vocabulary(pl.Series(["7", "9"]), "integer")


def table(shops, **columns):
    rows = len(shops)
    numbers = {"user": ["u"] * rows, "time": range(rows), "click": [0, 1] * (rows // 2)}
    return pl.DataFrame({"shop": shops, **numbers, **columns})


def encoder_of(shops, schema=SCHEMA):
    return Encoder.fit(schema, table(shops))


def test_known_and_missing_domains_pass():
    encoder, rows = encoder_of(["a", "b"]), table(["a", None, "", "b"])

    check_domains(encoder, rows, encoder.encode(rows).domain, Origin())


@pytest.mark.parametrize(
    ("known", "given", "received"), [("ab", ["a", "c"], "'c'"), ([7, 9], [9, 8], "8")]
)
def test_unknown_domain_is_refused_with_its_row(known, given, received):
    encoder, rows = encoder_of(list(known)), table(given)
    ids = encoder.encode(rows).domain

    with pytest.raises(SchemaError, match=f"Domain `shop` .* Received: {received} in x.csv, row 5"):
        check_domains(encoder, rows, ids, Origin("x.csv", 3))


def test_unknown_domain_falls_back_by_default():
    encoder = encoder_of(["a", "b"], SCHEMA.replace(unknown_domains="fallback"))
    rows = table(["b", "c"])
    ids = encoder.encode(rows).domain

    check_domains(encoder, rows, ids, Origin())

    assert ids.tolist() == [4, 2]


def test_schema_without_a_domain_has_none_to_refuse():
    encoder = encoder_of(["a", "b"], SCHEMA.replace(unknown_domains="fallback", domain=""))

    check_domains(encoder, table(["c", "c"]), None, Origin())


@pytest.mark.parametrize("dtype", ["string", "integer"])
def test_split_domains_are_checked_against_the_vocabulary_of_the_end(dtype):
    vocabulary = TEXT if dtype == "string" else WHOLE
    known, other = ("a", "c") if dtype == "string" else (7, 8)
    domains = SplitDomains(Feature(name="shop", kind="categorical", dtype=dtype))
    kept = np.array([True, False, True, True])

    domains.add(pl.DataFrame({"shop": [known, other, None, known]}), Origin("x.csv"), kept)
    domains.check(vocabulary)
    domains.add(pl.DataFrame({"shop": [known, known, other, other]}), Origin("x.csv", 4), kept)

    with pytest.raises(SchemaError, match=f"Received: {other!r} in x.csv, row 7. Mend the value"):
        domains.check(vocabulary)


def test_split_without_rows_outside_training_is_fine():
    SplitDomains(Feature(name="shop", kind="categorical", dtype="integer")).check(WHOLE)


@pytest.mark.parametrize("split", ["time:0.5,0.25,0.25", "time:0.5,0.5"])
def test_split_refuses_a_domain_that_only_the_later_rows_have(tmp_path, split):
    table(["a", "b"] * 20 + ["a"] * 35 + ["c"] * 5).write_parquet(tmp_path / "rows.parquet")

    with pytest.raises(SchemaError, match=r"Received: 'c' in .*rows.parquet, row 76\. "):
        prepare(SCHEMA, tmp_path / "rows.parquet", split=split, out=tmp_path / "out", chunk_rows=9)

    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_split_takes_domains_that_the_training_part_has_too(tmp_path):
    shops = ["c", *["a", "b"] * 19, "c", *["a"] * 35, *["c"] * 4, None]

    summary = prepare(SCHEMA, table(shops), split="time:0.5,0.5", out=tmp_path / "out")

    assert summary.rows == {"train": 40, "valid": 40}
