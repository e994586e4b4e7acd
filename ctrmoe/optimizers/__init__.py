"""Keras optimizers whose step does not grow with the vocabulary."""

from __future__ import annotations

import inspect
from typing import Any

import keras

from ctrmoe.optimizers.adagrad import SparseAdagrad
from ctrmoe.optimizers.ftrl import SparseFtrl
from ctrmoe.optimizers.lazy_adam import LazyAdam
from ctrmoe.strict import suggestion

__all__ = ["OPTIMIZERS", "LazyAdam", "SparseAdagrad", "SparseFtrl", "create_optimizer"]

# `adam` passes over whole tables and squares repeated ids one by one: for comparison only.
OPTIMIZERS: dict[str, type[keras.optimizers.Optimizer]] = {
    "adagrad": SparseAdagrad,
    "adam": keras.optimizers.Adam,
    "ftrl": SparseFtrl,
    "lazy_adam": LazyAdam,
    "sgd": keras.optimizers.SGD,
}


def create_optimizer(kind: str, learning_rate: Any, **options: Any) -> keras.optimizers.Optimizer:
    """Instantiates `OPTIMIZERS[kind]`.

    Args:
        kind: A key of `OPTIMIZERS`.
        learning_rate: A float, a `keras.optimizers.schedules.LearningRateSchedule`, or a callable.
        **options: Arguments of the class's constructor.

    Raises:
        ValueError: If `kind` is not in `OPTIMIZERS` or an option is unknown to its class.

    Example:

    >>> from ctrmoe.optimizers import create_optimizer
    >>> create_optimizer("lazy_adam", 0.001, beta_2=0.99).beta_2
    0.99
    """
    if kind not in OPTIMIZERS:
        raise ValueError(
            f"`kind` must be one of {', '.join(OPTIMIZERS)}. "
            f"Received: kind={kind!r}.{suggestion(kind, OPTIMIZERS)}"
        )
    cls = OPTIMIZERS[kind]
    known = _option_names(cls)
    for option, value in options.items():
        if option not in known:
            raise ValueError(
                f"`{option}` must be an option of {kind!r}. "
                f"Received: {option}={value!r}.{suggestion(option, known)}"
            )
    return cls(learning_rate=learning_rate, **options)


def _option_names(cls: type[Any]) -> set[str]:
    """The named arguments of `__init__` along the bases, to which `**options` are passed on."""
    parameters = [
        parameter
        for base in cls.__mro__
        if "__init__" in vars(base) and base is not object
        for parameter in inspect.signature(vars(base)["__init__"]).parameters.values()
    ]
    named = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return named - {"self", "learning_rate"}
