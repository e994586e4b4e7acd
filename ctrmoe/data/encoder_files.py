"""The files of an encoder: its schema, its vocabularies and `encoder.json`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from ctrmoe.data.dtypes import DType
from ctrmoe.data.fit import owners, vocabulary_of
from ctrmoe.data.numeric import NumericStatistics
from ctrmoe.data.packed import DOMAIN
from ctrmoe.data.vocabulary import Vocabulary, file_name, read_values
from ctrmoe.schema import Schema, SchemaError

FORMAT = 1
SCHEMA_FILE = "schema.toml"
VOCABULARIES = "vocabularies"
ENCODER_FILE = "encoder.json"

Parts = tuple[Schema, dict[str, Vocabulary], dict[str, NumericStatistics], DType]
"""What an `Encoder` is made of, in the order of its arguments."""


def write_encoder_files(folder: str | Path, parts: Parts, sizes: Mapping[str, int]) -> None:
    """Writes `schema.toml` and `vocabularies/` into a folder.

    Args:
        folder: May hold other files.
        parts: Of the encoder.
        sizes: Number of ids of each feature, for people: no encoder reads it.
    """
    schema, vocabularies, statistics, domain_dtype = parts
    place = Path(folder, VOCABULARIES)
    place.mkdir(parents=True, exist_ok=True)
    Path(folder, SCHEMA_FILE).write_text(schema.dumps(), encoding="utf-8")
    for name, vocabulary in vocabularies.items():
        vocabulary.save(vocabulary_path(place, name))
    record = {
        "format": FORMAT,
        "domain_dtype": domain_dtype if schema.domain else None,
        "numeric": {name: dataclasses.asdict(own) for name, own in statistics.items()},
        "sizes": dict(sizes),
    }
    text = json.dumps(record, indent=1, ensure_ascii=False)
    Path(place, ENCODER_FILE).write_text(text + "\n", encoding="utf-8")


def read_encoder_files(folder: str | Path) -> Parts:
    """Reads what `write_encoder_files` wrote.

    Raises:
        SchemaError: When the folder is none that preparation wrote.
    """
    place = Path(folder, VOCABULARIES)
    schema = Schema.load(Path(folder, SCHEMA_FILE))
    try:
        record = json.loads(Path(place, ENCODER_FILE).read_text(encoding="utf-8"))
        if record["format"] != FORMAT:
            raise SchemaError(
                f"{folder} must have format {FORMAT}. Received: {record['format']}. Prepare "
                "the data again with this version."
            )
        dtype: DType = "integer" if record["domain_dtype"] == "integer" else "string"
        vocabularies = {
            table: vocabulary_of(owner, read_values(vocabulary_path(place, table)))
            for table, owner in owners(schema, dtype).items()
        }
        statistics = {
            name: NumericStatistics.from_dict(numbers)
            for name, numbers in record["numeric"].items()
        }
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise SchemaError(
            f"{folder} must be a folder that `prepare` wrote. Received: {error!r}."
        ) from error
    return schema, vocabularies, statistics, dtype


def vocabulary_path(folder: Path, name: str) -> Path:
    """Returns the vocabulary file of a feature, or of the domain."""
    # No feature's file is called like the domain's: `@` is quoted there.
    return folder / ("@domain.txt" if name == DOMAIN else file_name(name))
