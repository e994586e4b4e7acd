"""Raw values to ids and numbers: the rules that preparation, scoring and the exported graph share.

Categoricals. The canonical value is text or int64 (`columns.canonical`). Missing are null, NaN,
"" and, in an integer feature, -2^63: id 1. A value of the vocabulary has the id of its line
(`vocabulary`). Any other value is unknown: 2 + Fingerprint64(text) mod `oov_buckets`, where the
text of an integer is its decimal form. With `hash_buckets` every value has the id
2 + Fingerprint64(text) mod `hash_buckets`.

Lists. Text is split at `separator`; missing elements are dropped; then a sequence keeps its last
`max_length` elements, a multi-valued categorical its first. Ids stand at the left, 0 fills up.
Nothing left is 1 0 0 … in a multi-valued categorical, 0 0 0 … in a sequence. Weights stand where
the ids of their values do: see `weights`.

Numbers: see `numeric`. Domain: a categorical with a vocabulary of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ctrmoe.data import columns
from ctrmoe.data.coded import plain_text
from ctrmoe.data.derived import canonical_values, raw_values
from ctrmoe.data.dtypes import DType, resolve_dtypes
from ctrmoe.data.encoder_files import read_encoder_files, write_encoder_files
from ctrmoe.data.fit import Chunk, Fitter, owners
from ctrmoe.data.labels import read_labels
from ctrmoe.data.lists import Values, padded
from ctrmoe.data.numeric import NoNumbers, NumericStatistics
from ctrmoe.data.packed import DOMAIN, WEIGHTS_PREFIX, Encoded
from ctrmoe.data.parallel import parallel_map
from ctrmoe.data.parquet import CHUNK_ROWS, check_columns, read_files
from ctrmoe.data.row_groups import RawChunk
from ctrmoe.data.sources import UNNAMED, Origin, Table, find_files
from ctrmoe.data.vocabulary import Vocabulary
from ctrmoe.data.weights import padded_weights
from ctrmoe.schema import Feature, Schema

NO_CODE = 2**32 - 1


class Encoder:
    """Turns raw rows into ids and numbers.

    Args:
        schema: With the `dtype` of every feature.
        vocabularies: By the name of the feature that owns them, and `domain:id`.
        statistics: Of the numeric features, by name.
        domain_dtype: The type of the domain column, `string` or `integer`.
    """

    def __init__(
        self,
        schema: Schema,
        vocabularies: dict[str, Vocabulary],
        statistics: dict[str, NumericStatistics],
        domain_dtype: DType = "string",
    ) -> None:
        self.schema = schema
        self.vocabularies = vocabularies
        self.statistics = statistics
        self.domain_dtype = domain_dtype
        self.line_breaks: dict[str, int] = {}
        self.no_numbers: dict[str, NoNumbers] = {}

    @classmethod
    def fit(
        cls,
        schema: Schema,
        sources: Table,
        *,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Encoder:
        """Learns the vocabularies and the statistics from the training part.

        Args:
            schema: What the columns mean.
            sources: Whatever `find_files` takes.
            chunk_rows: Rows held in memory at once.
        """
        files = find_files(sources)
        fitter = Fitter(*resolve_dtypes(schema, files))
        for frame, where, _ in read_files(files, raw_columns(schema), schema, chunk_rows):
            fitter.add(frame, where)
        return cls.from_counts(fitter)

    @classmethod
    def from_counts(cls, fitter: Fitter) -> Encoder:
        """Makes the encoder of what a fitter has counted."""
        vocabularies, line_breaks = fitter.vocabularies()
        encoder = cls(fitter.schema, vocabularies, fitter.statistics(), fitter.domain_dtype)
        encoder.line_breaks = line_breaks
        encoder.no_numbers = {
            name: texts for name, texts in fitter.no_numbers.items() if texts.count
        }
        return encoder

    def encode(
        self, rows: pl.DataFrame | RawChunk, where: Origin = UNNAMED, *, side_by_side: bool = True
    ) -> Encoded:
        """Encodes a chunk of raw rows.

        Args:
            rows: Hold at least the columns of `raw_columns(schema)`.
            where: Names the chunk in error messages.
            side_by_side: Whether features run in threads; one that calls from threads needs none.

        Raises:
            SchemaError: When a column is missing or of a type that can't be cast without loss.
        """
        arrays = self.arrays(rows, where, side_by_side=side_by_side)
        return Encoded.pack(self.schema, arrays, len(rows))

    def arrays(
        self, rows: pl.DataFrame | RawChunk, where: Origin, *, side_by_side: bool = True
    ) -> dict[str, np.ndarray]:
        """Encodes a chunk into one array a feature, and that of the domain as `domain:id`."""
        frame, coded = (rows.frame, rows.coded) if isinstance(rows, RawChunk) else (rows, {})
        check_columns(raw_columns(self.schema), {*frame.columns, *coded}, where.name)

        def encode(name: str, feature: Feature) -> np.ndarray:
            if name.startswith(WEIGHTS_PREFIX):
                return padded_weights(frame, feature, where)
            if feature.kind == "numeric":
                return self._transform(feature, columns.numbers(raw_values(frame, feature, where)))
            vocabulary = self.vocabularies[_table(name, feature)]
            if feature.column in coded:
                return coded[feature.column].ids(feature, vocabulary)
            values = canonical_values(frame, feature, where).trimmed(feature)
            return self._ids(feature, values, vocabulary.ids)

        return self._each_feature(encode, len(frame) if side_by_side else 0)

    def recode(self, chunk: Chunk, code_ids: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Encodes a chunk that `Fitter.add` returned, without its raw values.

        Args:
            chunk: Of the fitter that this encoder was made of.
            code_ids: Of the same fitter.

        Returns:
            What `arrays` returns for the raw chunk.
        """

        def encode(name: str, feature: Feature) -> np.ndarray:
            column, table = chunk[name], _table(name, feature)
            if not isinstance(column, Values):
                weights = name.startswith(WEIGHTS_PREFIX)
                return column if weights else self._transform(feature, column)

            def ids(values: pl.Series) -> np.ndarray:
                if values.dtype == pl.UInt32:
                    # "clip" sends null to the last entry.
                    codes = values.fill_null(NO_CODE).to_numpy()
                    return code_ids[table].take(codes, mode="clip")
                if values.dtype == pl.Int32:
                    return values.to_numpy()  # hashed already
                return self.vocabularies[table].ids(values)

            return self._ids(feature, column, ids)

        return self._each_feature(encode, len(next(iter(chunk.values()))))

    def _each_feature(
        self, encode: Callable[[str, Feature], np.ndarray], rows: int
    ) -> dict[str, np.ndarray]:
        jobs = {feature.name: feature for feature in self.schema.features}
        jobs |= {WEIGHTS_PREFIX + feature.name: feature for feature in self.schema.weighted}
        if self.schema.domain:
            jobs[DOMAIN] = owners(self.schema, self.domain_dtype)[DOMAIN]
        arrays = parallel_map(lambda job: encode(*job), jobs.items(), rows)
        return dict(zip(jobs, arrays, strict=True))

    def _transform(self, feature: Feature, numbers: np.ndarray) -> np.ndarray:
        return self.statistics[feature.name].transform(feature, numbers)

    def _ids(
        self, feature: Feature, values: Values, ids: Callable[[pl.Series], np.ndarray]
    ) -> np.ndarray:
        found = ids(values.values)
        return found if values.lengths is None else padded(found, values.lengths, feature)

    @property
    def plain_text(self) -> dict[str, bool]:
        """The raw columns that may be given as codes, and whether they hold lists."""
        rules = owners(self.schema, self.domain_dtype)
        domain = [rules[DOMAIN]] if self.schema.domain else []
        return plain_text([*self.schema.features, *domain])

    def labels(self, frame: pl.DataFrame, where: Origin = UNNAMED) -> dict[str, np.ndarray]:
        """Returns the int8 labels by the name of their task, `UNLABELLED` for null.

        Raises:
            SchemaError: When a label is neither 0 nor 1, or a row has none, with its file and row.
        """
        return read_labels(self.schema, frame, where)

    def vocabulary_size(self, name: str) -> int:
        """Returns the number of ids of a feature, 0 where it is read as a number."""
        feature = self.schema[name]
        if feature.is_value:
            return 0
        if feature.kind == "numeric":
            return 4 + len(self.statistics[name].edges)
        return self.vocabularies[feature.table].size

    @property
    def num_domains(self) -> int:
        """Number of domains, the one for unknown domains included; 0 if there is no domain."""
        return len(self.vocabularies[DOMAIN].values) + 1 if self.schema.domain else 0

    @property
    def domain_names(self) -> list[str | None]:
        """The value of each domain id as text; None for padding, missing and unknown ones."""
        if not self.schema.domain:
            return []
        vocabulary = self.vocabularies[DOMAIN]
        return [None] * vocabulary.first_value + vocabulary.values.to_list()

    def fields(self) -> list[dict[str, Any]]:
        """Returns the arguments of `ctrmoe.layers.field.Field` for every feature, in order."""
        return [
            {
                "name": feature.name,
                "kind": _field_kind(feature),
                "vocabulary_size": self.vocabulary_size(feature.name),
                "length": feature.max_length or 1,
                "table": feature.vocabulary,
                "quantiles": self._quantiles(feature),
                "weighted": bool(feature.weights),
            }
            for feature in self.schema.features
        ]

    def _quantiles(self, feature: Feature) -> tuple[float, ...]:
        return self.statistics[feature.name].quantiles if feature.is_value else ()

    def save(self, folder: str | Path) -> None:
        """Writes `schema.toml` and `vocabularies/` into a folder."""
        parts = (self.schema, self.vocabularies, self.statistics, self.domain_dtype)
        sizes = {f.name: self.vocabulary_size(f.name) for f in self.schema.features}
        write_encoder_files(folder, parts, sizes)

    @classmethod
    def load(cls, folder: str | Path) -> Encoder:
        """Reads what `save` wrote.

        Raises:
            SchemaError: When the folder is none that preparation wrote.
        """
        return cls(*read_encoder_files(folder))


def raw_columns(schema: Schema) -> list[str]:
    """Returns the raw columns that features and domain read."""
    return list(dict.fromkeys([*schema.raw_inputs, *([schema.domain] if schema.domain else [])]))


def _table(name: str, feature: Feature) -> str:
    return DOMAIN if name == DOMAIN else feature.table


def _field_kind(feature: Feature) -> str:
    if feature.is_value:
        return "numeric"
    if feature.kind == "categorical" and feature.is_list:
        return "multi_valued"
    return "categorical" if feature.kind == "numeric" else feature.kind
