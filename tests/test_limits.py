import pytest

from ctrmoe.limits import Limits
from ctrmoe.schema import Schema, SchemaError


def schema(limits):
    return Schema.from_dict(
        {
            "name": "shop",
            "domain": "shop",
            "tasks": [{"name": "click"}],
            "features": [{"name": "user", "kind": "categorical"}],
            "limits": limits,
        }
    )


def test_limit_of_a_column_wins():
    limits = Limits(missing=0.5, columns={"user": {"missing": 0.1}})

    assert limits.of("missing", "user") == 0.1
    assert limits.of("missing", "item") == limits.of("missing") == 0.5
    assert limits.of("psi", "user") == Limits().psi


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"mising": 0.5}, "Unknown key `limits.mising`. Did you mean `missing`?"),
        ({"missing": "half"}, r"`limits.missing` must be float. Received: 'half' \(str\)"),
        ({"missing": -0.5}, "`limits.missing` must not be negative. Received: -0.5"),
        ({"psi": float("nan")}, "`limits.psi` must not be negative. Received: nan"),
        (
            {"columns": {"user": {"mising": 0.5}}},
            "Unknown key `limits.columns.user.mising`. Did you mean `missing`?",
        ),
        ({"columns": {"user": {"psi": -1}}}, "`limits.columns.user.psi` must not be negative"),
        (
            {"columns": {"user": {"overlap": 0.5}}},
            "is a limit of the table. Give it as `limits.overlap`",
        ),
        (
            {"columns": {"usr": {"psi": 0.5}}},
            "`limits.columns` must name columns of features. Received: 'usr'. Did you mean `user`?",
        ),
    ],
)
def test_limit_that_breaks_a_rule_is_refused(limits, message):
    with pytest.raises(SchemaError, match=message):
        schema(limits)


def test_limits_are_written_and_read_again(tmp_path):
    given = schema({"psi": 1, "columns": {"shop": {"psi": 2.5}, "user": {"unique": 1.0}}})
    path = tmp_path / "schema.toml"
    path.write_text(given.dumps(), encoding="utf-8")

    assert Schema.load(path) == given
    assert given.limits.psi == 1.0
    assert hash(Schema.load(path)) == hash(given)


def test_default_limits_are_not_written():
    assert "limits" not in schema({}).dumps()
    assert "columns" not in schema({"psi": 0.5}).dumps()
