"""Strict reading of TOML tables into frozen dataclasses: exact types, no unknown keys."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def suggestion(name: str, known: Iterable[str]) -> str:
    """Returns ` Did you mean …?` for a close name, otherwise the list of known ones."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f" Did you mean `{close[0]}`?" if close else f" Known: {', '.join(sorted(names))}."


def read_toml(path: str | Path, error: type[ValueError]) -> dict[str, Any]:
    """Reads a TOML file.

    Args:
        path: The file.
        error: Class of the error raised when the file is missing or no valid TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as cause:
        raise error(f"{path} can't be read: {cause.strerror}.") from cause
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise error(f"{path} must be valid TOML. Received: {cause}.") from cause


def build(cls: type[T], table: Mapping[str, Any], where: str, error: type[ValueError]) -> T:
    """Builds the dataclass `cls` from a TOML table.

    Args:
        cls: A dataclass whose annotations are the accepted types; unlike Python, `true` is no
            `int`; an `int` is accepted where a `float` is asked for.
        table: The parsed table.
        where: Its name for error messages, such as `train`, empty for the whole file.
        error: Class of the errors raised.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = get_type_hints(cls)
    prefix = f"{where}." if where else ""
    for key in table:
        if key not in fields:
            raise error(f"Unknown key `{prefix}{key}`.{suggestion(key, fields)}")
    for name, field in fields.items():
        required = (
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        )
        if required and name not in table:
            raise error(f"`{prefix}{name}` must be given.")
    values = {
        key: convert(value, hints[key], f"{prefix}{key}", error) for key, value in table.items()
    }
    return cls(**values)


def convert(value: Any, hint: Any, where: str, error: type[ValueError]) -> Any:
    """Checks `value` against the type `hint` and returns it in that type."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _either(value, get_args(hint), where, error)
    if hint is Any:
        return value
    if origin is Literal:
        return _choice(value, get_args(hint), where, error)
    if origin is tuple:
        _check(isinstance(value, list | tuple), "a list", value, where, error)
        item = get_args(hint)[0]
        return tuple(convert(v, item, f"{where}[{i}]", error) for i, v in enumerate(value))
    if dataclasses.is_dataclass(hint) or origin in (dict, Mapping):
        _check(isinstance(value, Mapping), "a table", value, where, error)
        if not origin:
            return build(hint, value, where, error)
        item = get_args(hint)[1]
        return {k: convert(v, item, f"{where}.{k}", error) for k, v in value.items()}
    if hint is float and type(value) is int:
        return float(value)
    _check(type(value) is hint, hint.__name__, value, where, error)
    return value


def _either(value: Any, hints: tuple[Any, ...], where: str, error: type[ValueError]) -> Any:
    """Takes the first type that `value` has; the error is that of the first one."""
    reasons = []
    for hint in hints:
        try:
            return convert(value, hint, where, error)
        except error as reason:
            reasons.append(reason)
    raise reasons[0]


def _choice(value: Any, choices: tuple[Any, ...], where: str, error: type[ValueError]) -> Any:
    _check(value in choices, "one of " + ", ".join(map(repr, choices)), value, where, error)
    return value


def _check(holds: bool, rule: str, value: Any, where: str, error: type[ValueError]) -> None:
    if not holds:
        raise error(f"`{where}` must be {rule}. Received: {value!r} ({type(value).__name__}).")


def dump_toml(table: Mapping[str, Any]) -> str:
    """Writes a table of scalars, lists, tables and lists of tables as TOML, `None` left out."""
    return "\n".join(_lines(table, "")).strip() + "\n"


def _lines(table: Mapping[str, Any], prefix: str) -> list[str]:
    lines, tables = [], []
    for key, value in table.items():
        name = f"{prefix}{_key(key)}"
        if value is None:
            continue
        if isinstance(value, Mapping):
            tables += ["", f"[{name}]", *_lines(value, f"{name}.")]
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            for item in value:
                tables += ["", f"[[{name}]]", *_lines(item, f"{name}.")]
        else:
            lines.append(f"{_key(key)} = {_scalar(value)}")
    return lines + tables


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _scalar(key)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
    return "[" + ", ".join(map(_scalar, value)) + "]"
