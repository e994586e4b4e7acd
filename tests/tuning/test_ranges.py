from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from ctrmoe.config import ConfigError
from ctrmoe.tuning.ranges import Range


@pytest.mark.parametrize(
    ("table", "hint", "expected"),
    [
        ({"low": 1, "high": 9, "step": 4}, int, IntDistribution(1, 9, step=4)),
        ({"low": 8, "high": 512, "log": True}, Any, IntDistribution(8, 512, log=True)),
        ({"low": 0, "high": 1}, float, FloatDistribution(0.0, 1.0)),
        ({"low": 0, "high": 0.3, "step": 0.1}, Any, FloatDistribution(0.0, 0.3, step=0.1)),
        ({"low": 1e-4, "high": 1e-2, "log": True}, float, FloatDistribution(1e-4, 1e-2, log=True)),
        ({"choices": [8, 16]}, int, CategoricalDistribution([8, 16])),
        ({"choices": [[64], [8, 4]]}, Any, CategoricalDistribution(["[64]", "[8, 4]"])),
    ],
)
def test_parse(table, hint, expected):
    assert Range.parse("a.b", table, hint).distribution == expected


def test_choices_of_lists_and_tables_come_back():
    choices = [[64], {"kind": "sgd"}, "none"]
    found = Range.parse("a.b", {"choices": choices}, Any)

    assert [found.decode(label) for label in found.distribution.choices] == choices
    assert Range.parse("a.b", {"low": 1, "high": 3}, Any).decode(2) == 2


@pytest.mark.parametrize(
    ("table", "inside", "outside"),
    [
        ({"low": 1, "high": 9, "step": 4}, [1, 5], [0, 13, 3, "5", None]),
        ({"low": 0.0, "high": 0.3, "step": 0.1}, [0.1, 0.3, 0], [0.15, 0.4]),
        ({"low": 0.1, "high": 1.0, "log": True}, [0.1, 0.35], [0.05]),
        ({"choices": [[64], [8, 4]]}, [[64]], [[4, 8], None]),
    ],
)
def test_holds(table, inside, outside):
    own = Range.parse("a.b", table, Any)

    assert all(own.holds(value) for value in inside)
    assert not any(own.holds(value) for value in outside)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "`search.a.b` must have either `choices`, or `low` and `high`"),
        ({"low": 1, "choices": [1]}, "must have either `choices`, or `low` and `high`"),
        ({"low": 1}, "`search.a.b.high` must be given"),
        ({"low": 1, "high": 2, "stepp": 1}, "Unknown key `search.a.b.stepp`. Did you mean `step`"),
        ({"low": "1", "high": 2}, r"`search.a.b.low` must be int. Received: '1' \(str\)"),
        ({"low": 2, "high": 2}, "`low` must lie below `high`. Received: low=2, high=2"),
        ({"low": 0.0, "high": float("inf")}, "`low` must lie below `high`"),
        ({"low": 0, "high": 2, "log": True}, "`low` must be positive with `log`"),
        ({"low": 1, "high": 2, "step": -1}, "`step` must not be negative"),
        ({"low": 1, "high": 3, "step": 1, "log": True}, "`step` and `log` exclude each other"),
        ({"low": 8, "high": 100, "step": 16}, "`high` must be `low` and some steps"),
        ({"choices": []}, r"must be a list of values. Received: \[\]"),
        ({"choices": 8}, "must be a list of values. Received: 8"),
        ({"choices": [1, 1.0]}, r"must differ. Received: \[1, 1.0\]"),
        ({"choices": [1], "log": True}, "with `choices` must have no `log`"),
    ],
)
def test_table_that_is_no_range(table, message):
    with pytest.raises(ConfigError, match=message):
        Range.parse("a.b", table, Any)
