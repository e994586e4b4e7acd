"""Requests made of raw rows before the load begins: making them is not what is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import polars as pl

from ctrmoe import strict
from ctrmoe.config import ConfigError
from ctrmoe.serving.client import ClientOptions, ServingError
from ctrmoe.serving.client.pieces import Call
from ctrmoe.serving.client.raw_rows import Arrays
from ctrmoe.serving.client.signature import Signature, read_signature
from ctrmoe.serving.load.target import Target

CANDIDATES = "serve_candidates"
DIFFERENT = 64
"""Requests that a load repeats: enough that no server answers from a cache of a few."""


def read_signatures(
    target: Target, access: ClientOptions, names: list[str]
) -> dict[str, Signature]:
    """Asks a server what signatures take.

    Raises:
        ConfigError: If it does not answer, or lacks one of them.
    """

    async def ask() -> dict[str, Signature]:
        async with target.client(access) as client:
            metadata = await client.metadata()
            return {name: read_signature(metadata, name) for name in names}

    try:
        return asyncio.run(ask())
    except (ServingError, TimeoutError) as error:
        raise ConfigError(f"{target.text} must answer. Received: {error}.") from error


def request_bodies(
    target: Target,
    access: ClientOptions,
    signature: Signature,
    rows: pl.DataFrame,
    size: int,
    candidates: Sequence[str] = (),
) -> list[bytes]:
    """Returns requests of `size` rows, or candidates, each.

    Args:
        target: What they are sent to.
        access: The client's keys.
        signature: They ask.
        rows: Raw rows, taken in their order and again from the start.
        size: Rows of a request.
        candidates: Columns that vary by candidate, of the signature for those.

    Raises:
        ConfigError: If such requests can't be made of the rows.
    """
    _check(signature, rows, candidates)
    pieces = _pieces(signature, rows, size, candidates)
    if target.is_rest:
        from ctrmoe.serving.client import json_form

        return [json_form.body(signature.name, arrays) for arrays in pieces]
    from ctrmoe.serving.client import messages

    options = target.options(access)
    return [
        messages.predict_request(target.model, options, signature.name, arrays).SerializeToString()
        for arrays in pieces
    ]


def _check(signature: Signature, rows: pl.DataFrame, candidates: Sequence[str]) -> None:
    if rows.is_empty():
        raise ConfigError("`data` must hold rows. Received: none.")
    read = [of.name for of in signature.inputs]
    if not set(read) & set(rows.columns):
        raise ConfigError(
            f"`data` must hold columns that the model reads: {', '.join(read)}. Received: "
            f"{', '.join(rows.columns)}."
        )
    for name in candidates:
        if name not in rows.columns:
            known = strict.suggestion(name, rows.columns)
            raise ConfigError(f"`candidates` must be columns of `data`. Received: {name}.{known}")


def _pieces(
    signature: Signature, rows: pl.DataFrame, size: int, candidates: Sequence[str]
) -> Iterator[Arrays]:
    if signature.name == CANDIDATES and not candidates:
        raise ConfigError(
            f"`candidates` must name the columns that vary by candidate, for {CANDIDATES}. "
            "Received: none."
        )
    count = min(DIFFERENT, max(1, rows.height // size))
    repeated = pl.concat([rows] * (-(-size * count // rows.height)))
    for start in range(0, size * count, size):
        part = repeated[start : start + size]
        call = Call(part)
        if signature.name == CANDIDATES:
            call = Call(part.select(candidates), part.head(1).drop(candidates))
        yield from call.pieces(signature, size)
