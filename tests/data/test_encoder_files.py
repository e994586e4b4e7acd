import json

import polars as pl
import pytest

from ctrmoe.data.encode import Encoder
from ctrmoe.schema import Feature, Schema, SchemaError, Task


def schema_of(*features, **options):
    return Schema(name="test", tasks=(Task(name="click"),), features=features, **options)


def test_folder_without_quantiles_still_loads(tmp_path):
    schema = schema_of(Feature(name="x", kind="numeric"))
    encoder = Encoder.fit(schema, pl.DataFrame({"x": [0.0, 1.0]}))
    encoder.save(tmp_path)
    record = tmp_path / "vocabularies" / "encoder.json"
    content = json.loads(record.read_text())
    del content["numeric"]["x"]["quantiles"]
    record.write_text(json.dumps(content))

    (x,) = Encoder.load(tmp_path).fields()

    assert x["quantiles"] == ()
    assert Encoder.load(tmp_path).statistics["x"].upper == 1.0


def test_load_refuses_other_folders_and_formats(tmp_path):
    encoder = Encoder.fit(
        schema_of(Feature(name="a", kind="categorical")), pl.DataFrame({"a": ["u"]})
    )
    encoder.save(tmp_path)
    record = tmp_path / "vocabularies" / "encoder.json"
    content = json.loads(record.read_text())

    record.write_text(json.dumps(content | {"format": 99}))
    with pytest.raises(SchemaError, match="must have format 1. Received: 99"):
        Encoder.load(tmp_path)
    record.write_text("{}")
    with pytest.raises(SchemaError, match="must be a folder that `prepare` wrote"):
        Encoder.load(tmp_path)


def test_vocabulary_file_of_odd_name_and_domain(tmp_path):
    schema = schema_of(Feature(name="@domain", kind="categorical"), domain="a/b")
    encoder = Encoder.fit(schema, pl.DataFrame({"@domain": ["u"], "a/b": ["v"]}))

    encoder.save(tmp_path)

    assert (tmp_path / "vocabularies" / "%40domain.txt").read_text() == "u\n"
    assert (tmp_path / "vocabularies" / "@domain.txt").read_text() == "v\n"
