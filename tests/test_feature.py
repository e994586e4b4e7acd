import pytest

from ctrmoe import strict
from ctrmoe.condition import Condition
from ctrmoe.feature import Feature, SchemaError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "categoric"}, "must be one of 'categorical', 'numeric', 'sequence'"),
        ({"kind": "categorical", "min_count": 0}, "`min_count` must be at least 1. Received: 0"),
        ({"kind": "categorical", "hash_buckets": -1}, "`hash_buckets` must not be negative"),
        ({"kind": "categorical", "oov_buckets": 0}, "`oov_buckets` must be at least 1"),
        ({"kind": "sequence"}, "`max_length` must be at least 1 for a sequence"),
        ({"kind": "numeric", "max_length": 3}, "are not for a numeric"),
        ({"kind": "categorical", "contains": "a"}, "`contains` must be a value, .* source=''"),
        (
            {"kind": "categorical", "contains": "a", "source": "b", "max_length": 2},
            "`contains` must be a value, .* max_length=2",
        ),
        (
            {"kind": "categorical", "contains": "a", "source": "b", "dtype": "integer"},
            "`dtype` must be string where `contains` is given. Received: 'integer'",
        ),
        (
            {"kind": "numeric", "transform": "log2p"},
            "`transform` must be quantile or a formula. Received: 'log2p'. Did you mean `log1p`",
        ),
        ({"kind": "categorical", "transform": "log"}, "`transform` is for a numeric"),
        ({"kind": "categorical", "separator": "|"}, "`separator` needs `max_length`"),
        (
            {"kind": "categorical", "max_length": 2, "separator": "|", "dtype": "integer"},
            "`dtype` must be string where a `separator`",
        ),
        *(
            ({**options, "weights": "w"}, "`weights` is for a multi-valued categorical without")
            for options in (
                {"kind": "numeric"},
                {"kind": "categorical"},
                {"kind": "sequence", "max_length": 2},
                {"kind": "categorical", "max_length": 2, "separator": "|"},
            )
        ),
        ({"kind": "numeric", "dtype": "string"}, "`dtype` of a numeric must be float"),
        ({"kind": "categorical", "dtype": "float"}, "must be string or integer"),
        ({"kind": "numeric", "buckets": 1}, "`buckets` must be at least 2"),
        *(
            ({"kind": "categorical", **options}, "`cross` is for a categorical of one value")
            for options in (
                {"kind": "numeric", "cross": ["a", "b"]},
                {"kind": "sequence", "max_length": 2, "cross": ["a", "b"]},
                {"max_length": 2, "cross": ["a", "b"]},
                {"source": "c", "cross": ["a", "b"]},
                {"vocabulary": "c", "cross": ["a", "b"]},
            )
        ),
        *(
            ({"kind": "categorical", "cross": names}, "two or more different columns. Received: .")
            for names in (["a"], ["a", "a"], ["a", ""])
        ),
        (
            {"kind": "categorical", "cross": ["a", "b"], "dtype": "integer"},
            "`dtype` of a cross must be string. Received: 'integer'. Its columns have",
        ),
        (
            {"kind": "categorical", "cross": ["a", "b"], "cross_dtypes": ["string"]},
            r"`cross_dtypes` must hold one type for each .* Received: \['string'\]",
        ),
        ({"kind": "categorical", "cross": "ab"}, "`cross` must be a list"),
        *(
            (
                {"kind": "categorical", "cross": ["a", "b"], "cross_edges": edges},
                "`cross_edges` must hold ascending numbers, or none, for each column of `cross`. R",
            )
            for edges in ([[1]], [[], [2, 1]], [[1, 1], []], [[], [float("nan")]])
        ),
        ({"kind": "categorical", "cross_edges": [[1]]}, "`cross_edges` must hold ascending numb"),
        *(
            ({"kind": "numeric", "where": where}, "`where` must name a column and a value that is")
            for where in ({"column": "", "equals": "x"}, {"column": "b", "equals": ""})
        ),
        ({"kind": "numeric", "where": {"column": "b"}}, "`where.equals` must be given"),
        ({"kind": "numeric", "where": {"column": "b", "equals": True}}, "`where.equals` must be"),
        (
            {
                "kind": "categorical",
                "max_length": 2,
                "weights": "w",
                "where": {"column": "b", "equals": 1},
            },
            "`where` is not for a feature with `weights`. Received: weights='w'",
        ),
    ],
)
def test_feature_that_breaks_a_rule(options, message):
    with pytest.raises(SchemaError, match=message):
        strict.build(Feature, {"name": "f", **options}, "", SchemaError)


def test_feature_without_a_name():
    with pytest.raises(SchemaError, match="`name` must not be empty"):
        Feature(name="", kind="numeric")


def test_inputs_are_the_raw_columns_as_they_are_read():
    cross = Feature(name="ab", kind="categorical", cross=("a", "b"), cross_dtypes=("", "integer"))
    some = Feature(
        name="p_of_x",
        kind="numeric",
        source="p",
        where=Condition(column="b", equals=3),
        dtype="float",
    )
    shared = Feature(name="h", kind="sequence", max_length=2, vocabulary="a", dtype="string")

    assert [(f.name, f.dtype, f.reading) for f in cross.inputs] == [
        ("a", "", "categories"),
        ("b", "integer", "categories"),
    ]
    assert [(f.name, f.dtype, f.reading) for f in some.inputs] == [
        ("p", "float", "numbers"),
        ("b", "integer", "categories"),
    ]
    assert [(f.name, f.vocabulary, f.reading) for f in shared.inputs] == [("h", "", "lists")]
    assert all(column.inputs == (column,) for column in (*cross.inputs, *some.inputs))


def test_column_of_a_cross_that_is_cut_holds_numbers():
    edges = [[1, 2.5], []]
    table = {"name": "pb", "kind": "categorical", "cross": ["p", "b"], "cross_edges": edges}

    cross = strict.build(Feature, table, "", SchemaError)

    assert cross.cuts == {"p": (1.0, 2.5)}
    assert [(f.name, f.reading) for f in cross.inputs] == [("p", "numbers"), ("b", "categories")]
