"""Turns a `kind` and its options, as TOML gives them, into an object."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

KERAS_OPTIONS = ("dtype", "name", "trainable")  # what every `**kwargs` hands to keras.layers.Layer


def create(registry: Mapping[str, type[T]], kind: str = "", **options: Any) -> T:
    """Instantiates `registry[kind]`; its constructor's signature is the only list of options.

    Args:
        registry: Kinds to classes, such as `INTERACTIONS`.
        kind: A key of `registry`.
        **options: Arguments of the class's constructor.

    Raises:
        ValueError: If `kind` is absent or not in the registry, or an option is not in the signature
            or is required and absent.

    Example:

    >>> from ctrmoe.layers import INTERACTIONS, create
    >>> create(INTERACTIONS, "autoint", num_layers=2).num_layers
    2
    """
    if kind not in registry:
        raise ValueError(
            f"`kind` must be one of {', '.join(sorted(registry))}. "
            f"Received: kind={kind!r}.{_suggestion(kind, registry)}"
        )
    _check_options(kind, registry[kind], options)
    return registry[kind](**options)


def constructor_parameters(cls: type[Any]) -> dict[str, inspect.Parameter]:
    """Parameters of a class's constructor by their names, without `self`.

    Of a class that inherits its constructor, `inspect.signature(cls)` gives those of Keras's
    `__new__` in the Python 3.11.2 of Debian 12.
    """
    _, *parameters = inspect.signature(cls.__init__).parameters.items()
    return dict(parameters)


def _check_options(kind: str, cls: type[Any], options: Mapping[str, Any]) -> None:
    signature = constructor_parameters(cls).values()
    parameters = [p for p in signature if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names = [p.name for p in parameters]
    if len(names) < len(signature):
        names += KERAS_OPTIONS
    for option, value in options.items():
        if option not in names:
            raise ValueError(
                f"`{option}` must be an option of {kind!r}: {', '.join(names)}. "
                f"Received: {option}={value!r}.{_suggestion(option, names)}"
            )
    for parameter in parameters:
        if parameter.default is parameter.empty and parameter.name not in options:
            raise ValueError(
                f"`{parameter.name}` must be given for {kind!r}. "
                f"Received: options {sorted(options)}."
            )


def _suggestion(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
