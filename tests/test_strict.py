from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from ctrmoe import strict


@dataclass(frozen=True)
class Inner:
    size: int = 1


@dataclass(frozen=True)
class Outer:
    name: str
    rate: float = 0.5
    mode: Literal["a", "b"] = "a"
    inner: Inner = field(default_factory=Inner)
    many: tuple[Inner, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str | None = None


def build(table):
    return strict.build(Outer, table, "", ValueError)


def test_build_nests_and_takes_whole_numbers_as_floats():
    built = build({"name": "x", "rate": 1, "inner": {"size": 2}, "many": [{"size": 3}]})

    assert built == Outer("x", 1.0, "a", Inner(2), (Inner(3),))
    assert isinstance(built.rate, float)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "`name` must be given"),
        ({"name": 1}, r"`name` must be str\. Received: 1 \(int\)"),
        ({"name": "x", "rate": True}, r"`rate` must be float\. Received: True \(bool\)"),
        ({"name": "x", "mode": "c"}, "`mode` must be one of 'a', 'b'. Received: 'c'"),
        ({"name": "x", "inner": {"sise": 1}}, r"Unknown key `inner\.sise`\. Did you mean `size`"),
        ({"name": "x", "many": [{}, {"size": "2"}]}, r"`many\[1\]\.size` must be int"),
        ({"name": "x", "zzz": 1}, "Unknown key `zzz`. Known: inner, many, mode"),
    ],
)
def test_build_names_the_key(table, message):
    with pytest.raises(ValueError, match=message):
        build(table)


def test_optional_takes_its_type_only():
    assert build({"name": "x", "note": "y"}).note == "y"
    with pytest.raises(ValueError, match="`note` must be str"):
        build({"name": "x", "note": 1})


def test_dump_leaves_none_out_and_keeps_control_characters(tmp_path):
    table = {"a": None, "b": "line\nbreak", "c": [1, 2.5, True], "d": {"x y": "z"}, "e": [{"f": 1}]}
    path = tmp_path / "table.toml"
    path.write_text(strict.dump_toml(table), encoding="utf-8")

    assert strict.read_toml(path, ValueError) == {k: v for k, v in table.items() if k != "a"}
