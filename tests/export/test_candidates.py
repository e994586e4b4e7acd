import re

import pytest

from ctrmoe.config import ConfigError
from ctrmoe.export.candidates import CandidateColumns
from ctrmoe.schema import Schema

COLUMNS = ["user", "item", "price", "item tags"]


def test_columns_are_divided_in_the_order_of_the_inputs():
    columns = CandidateColumns.of(COLUMNS, ["price", "item"])

    assert columns.own == ("price", "item")
    assert columns.shared == ("user", "item tags")


def test_without_candidates_all_is_shared():
    assert CandidateColumns.of(COLUMNS, ()) == CandidateColumns((), tuple(COLUMNS))


@pytest.mark.parametrize(
    ("candidates", "message"),
    [
        (["itme"], "must name served columns. Received: 'itme'. Did you mean `item`?"),
        (["item", "item"], "must not repeat a name. Received twice: 'item'."),
        (COLUMNS, "must leave a column that all candidates share. Received: all columns."),
    ],
)
def test_columns_that_cannot_be_divided(candidates, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        CandidateColumns.of(COLUMNS, candidates)


def test_feature_is_shared_if_all_its_columns_are():
    schema = Schema.from_dict(
        {
            "name": "derived",
            "tasks": [{"name": "click"}],
            "features": [
                {"name": "user", "kind": "categorical"},
                {"name": "item", "kind": "categorical"},
                {"name": "both", "kind": "categorical", "cross": ["user", "item"]},
                {
                    "name": "of_item",
                    "kind": "categorical",
                    "source": "user",
                    "where": {"column": "item", "equals": "a"},
                },
                {"name": "tags", "kind": "categorical", "max_length": 2, "weights": "weight"},
            ],
        }
    )
    columns = ["user", "item", "tags", "weight"]

    assert CandidateColumns.of(columns, ["item"]).shared_features(schema) == {"user", "tags"}
    assert CandidateColumns.of(columns, ["weight"]).shared_features(schema) == {
        "user",
        "item",
        "both",
        "of_item",
    }
