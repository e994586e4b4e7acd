import polars as pl
import pytest

from ctrmoe.data.dtypes import resolve_dtypes
from ctrmoe.data.encode import Encoder
from ctrmoe.data.fit import Fitter
from ctrmoe.data.numeric import NoNumbers
from ctrmoe.data.sources import UNNAMED, Origin, find_files
from ctrmoe.schema import Feature, Schema, SchemaError, Task


def schema_of(*features, **options):
    return Schema(name="t", tasks=(Task(name="click"),), features=features, **options)


def test_fitters_of_parts_merge_to_that_of_the_whole():
    schema = schema_of(
        Feature(name="a", kind="categorical"),
        Feature(name="x", kind="numeric", transform="standard"),
        domain="d",
    )
    frame = pl.DataFrame(
        {"a": ["u", "v", "u", None], "x": [1.0, 2.0, None, 5.0], "d": [1, 2, 1, 3]}
    )
    schema, domain = resolve_dtypes(schema, find_files(frame))
    parts = [Fitter(schema, domain) for _ in range(2)]
    parts[0].add(frame.head(1), UNNAMED)
    parts[1].add(frame.tail(3), UNNAMED)
    whole = Fitter(schema, domain)
    whole.add(frame, UNNAMED)

    parts[1].merge(parts[0])

    merged, direct = (Encoder.from_counts(fitter) for fitter in (parts[1], whole))
    assert merged.statistics == direct.statistics
    for table, vocabulary in direct.vocabularies.items():
        assert merged.vocabularies[table].values.to_list() == vocabulary.values.to_list()


def test_fraction_in_a_categorical_names_file_and_row():
    schema, domain = resolve_dtypes(
        schema_of(Feature(name="a", kind="categorical")), find_files(pl.DataFrame({"a": [1.0]}))
    )

    with pytest.raises(SchemaError, match="`a` must be a whole number. Received: 0.5 in x, row 12"):
        Fitter(schema, domain).add(pl.DataFrame({"a": [1.0, 0.5]}), Origin("x", 10))


def test_texts_that_are_no_numbers_are_counted():
    schema, domain = resolve_dtypes(
        schema_of(Feature(name="x", kind="numeric")), find_files(pl.DataFrame({"x": ["a"]}))
    )
    parts = [Fitter(schema, domain) for _ in range(3)]
    for part, texts in zip(
        parts, (["1", "nan", None], [" ", "1,5"], ["n/a", "2", "-"]), strict=True
    ):
        part.add(pl.DataFrame({"x": texts}), UNNAMED)

    parts[0].merge(parts[1])
    parts[0].merge(parts[2])

    assert parts[0].no_numbers == {"x": NoNumbers(3, "1,5")}


def test_numeric_feature_of_words_is_refused():
    schema = schema_of(Feature(name="x", kind="numeric"))
    words = pl.DataFrame({"x": [None, "", "paris"]})

    with pytest.raises(SchemaError, match="`x` must hold numbers. Received: 'paris' and no number"):
        Encoder.fit(schema, words)
    Encoder.fit(schema, [words, pl.DataFrame({"x": ["1.5", "rome"]})])
    Encoder.fit(schema, pl.DataFrame({"x": [None, ""]}))


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        (
            Feature(name="a", kind="categorical"),
            "must hold one value a row. .* Give it `max_length`",
        ),
        (
            Feature(name="b", kind="sequence", max_length=2),
            "must be a column of lists. .*`separator`",
        ),
    ],
)
def test_lists_and_single_values_are_not_mixed_up(feature, message):
    frame = pl.DataFrame({"a": [["x"]], "b": ["x"]})

    with pytest.raises(SchemaError, match=message):
        Encoder.fit(schema_of(feature), frame)
