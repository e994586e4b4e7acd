"""Rules that turn the statistics of a column into a feature, each with its reason."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from ctrmoe.data.infer_profile import Column
from ctrmoe.data.infer_transform import guess_transform

FEW_VALUES = 50
ROW_ID_SHARE = 0.95
ROW_ID_ROWS = 100
SEPARATORS = "|;,^\x01"
MAX_LENGTH = {"sequence": 50, "categorical": 20}
HASH_ABOVE, HASH_BUCKETS = 1_000_000, 2**20
MIN_COUNTS = ((100_000, 10), (10_000, 5), (1_000, 2))

ORDER_WORDS = set(
    "history hist seq sequence recent past last previous prev clicked viewed visited watched "
    "bought purchased behavior behaviour behaviors behaviours log trail session".split()
)
ID_WORDS = set(
    "id ids uid code key hash sku zip zipcode postcode ip brand category cate cat type class "
    "version user item product ad campaign shop seller merchant creative advertiser".split()
)
QUANTITY_WORDS = set(
    "age amount count cnt num number total sum price cost fee bid budget income wage days hours "
    "minutes seconds weeks months years duration length size rate ratio score weight rank "
    "clicks views impressions balance distance".split()
)
# How a row was drawn or logged, which nobody knows when the model is asked.
SAMPLING_WORDS = set("propensity pscore".split())
SAMPLING_WEIGHTS = ({"instance", "weight"}, {"sample", "weight"}, {"row", "weight"})
TIME_WORDS = set("time timestamp ts date datetime day dt hour unixtime created".split())
READABLE = (pl.Boolean, pl.String, pl.Categorical, pl.Enum, pl.Date, pl.Datetime)
DECIMAL_COMMA = r"^[+-]?(\d{1,3}([. ]\d{3})+|\d+),\d+$"
THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$"
JSON = r"^\s*[\[{].*[\]}]\s*$"
ISO_TIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?$"
# Whole numbers that can be a moment: YYMMDDHH or YYYYMMDD, seconds of 1990 to 2100, ms, us.
EPOCHS = ((1.0e7, 1.0e8 - 1),) + tuple((6.3e8 * k, 4.11e9 * k) for k in (1.0, 1e3, 1e6))


@dataclass(frozen=True, kw_only=True, slots=True)
class Guess:
    """What a column looks like.

    Args:
        reason: Why, for a reader of the schema.
        options: Options of its `Feature` but the name; empty where the column is left out.
    """

    reason: str
    options: dict[str, Any] = field(default_factory=dict)


def words(name: str) -> list[str]:
    """Splits a header into lower-case words: `userID (hashed)` is user, id, hashed."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return re.findall(r"[^\W_]+", spaced.lower())


def is_time(column: Column) -> bool:
    """Whether the column is a moment: by type, as ISO text, or as an epoch with a name."""
    if column.dtype in (pl.Date, pl.Datetime):
        return True
    if column.dtype == pl.String:
        head = column.sample.drop_nulls().head(1000)
        return len(head) > 0 and bool(head.str.contains(ISO_TIME).all())
    return column.dtype.is_numeric() and _is_epoch(column)


def _is_epoch(column: Column) -> bool:
    if not TIME_WORDS & set(words(column.name)):
        return False
    return any(low <= column.minimum <= column.maximum <= high for low, high in EPOCHS)


def guess_feature(column: Column) -> Guess:
    """Returns the feature that a column looks like, or why it should be left out."""
    dtype = column.dtype
    if column.sample.null_count() == len(column.sample) or not column.present:
        return Guess(reason="every value, or nearly every, is missing")
    if column.is_list:
        return _list(column)
    if not (dtype.is_numeric() or dtype in READABLE):
        return Guess(reason=f"columns of type {dtype} are left out: cast it to text or a number")
    if not column.name:
        return Guess(reason="a column without a name, such as the index of a frame")
    if column.distinct <= 1 and column.nulls == 0:
        return Guess(reason=f"constant: {column.sample[0]!r} in every row")
    if is_time(column):
        return Guess(
            reason="a moment in time: later rows hold values that training never saw; derive the "
            "hour or the weekday where they matter"
        )
    names = set(words(column.name))
    if SAMPLING_WORDS & names or names in SAMPLING_WEIGHTS:
        return Guess(reason="by its name it says how the row was sampled, not what it is")
    if not dtype.is_numeric():
        return _text(column)
    return _integer(column) if column.whole else _number(column, unsure=False)


def _list(column: Column) -> Guess:
    items = column.sample.explode(empty_as_null=True)
    if not items.dtype.is_integer() and items.dtype != pl.String or not column.distinct:
        return Guess(reason=f"a list of {items.dtype}, not of ids")
    if _is_epoch(column):
        return Guess(reason="a list of moments in time, not of ids")
    return _several(column, column.sample, column.distinct, "")


def _several(column: Column, lists: pl.Series, distinct: int, separator: str) -> Guess:
    ordered = ORDER_WORDS & set(words(column.name))
    kind = "sequence" if ordered else "categorical"
    lengths = lists.list.len() if lists.dtype == pl.List else lists.arr.len()
    sizes = lengths.drop_nulls().to_numpy()
    usual = math.ceil(np.quantile(sizes, 0.95 if ordered else 0.99, method="higher"))
    options: dict[str, Any] = {"kind": kind, "max_length": max(1, min(usual, MAX_LENGTH[kind]))}
    if separator:
        options["separator"] = separator
    rare, note = _rare_values(distinct, sizes.mean() * column.present)
    how = f"`{min(ordered)}` in the name says in order" if ordered else "no order in the name"
    holds = f"text split by {separator!r}" if separator else "a list"
    reason = (
        f"{holds}, {distinct:,} values, {sizes.min()} to {sizes.max()} a row, mean "
        f"{sizes.mean():.1f}; {how}: {'a sequence, oldest first' if ordered else 'a set'}{note}"
    )
    return Guess(reason=reason, options=options | rare)


def _rare_values(distinct: int, values: float) -> tuple[dict[str, int], str]:
    """Returns what becomes of the rare ones of so many values, and how to say it."""
    if distinct > HASH_ABOVE:
        return {"hash_buckets": HASH_BUCKETS}, "; too many for a vocabulary: hashed"
    for above, count in MIN_COUNTS:
        if distinct > above:
            # Where values come less often on average, nearly all of them would be unknown.
            count = max(2, min(count, int(values / distinct)))
            return {"min_count": count}, f"; values seen less than {count} times are unknown"
    return {}, ""


def _categorical(column: Column, what: str) -> Guess:
    rare, note = _rare_values(column.distinct, column.present)
    options = {"kind": "categorical"} | rare
    if column.dtype.is_integer() and column.maximum >= 2**63:
        options["dtype"] = "string"
        note += "; beyond 64 signed bits, hence text"
    missing = f", {column.nulls / column.rows:.1%} missing" if column.nulls else ""
    return Guess(
        reason=f"{what}, {column.distinct:,} values{missing}{note}",
        options=options,
    )


def _near_unique(column: Column) -> bool:
    return column.rows >= ROW_ID_ROWS and column.distinct > ROW_ID_SHARE * column.present


def _row_id(column: Column, what: str) -> Guess:
    return Guess(
        reason=f"{column.distinct:,} values in {column.present:,} rows: {what}; nothing can be "
        "learnt of a value that is seen once"
    )


def _integer(column: Column) -> Guess:
    names = set(words(column.name))
    span = column.maximum - column.minimum + 1
    if _near_unique(column) and (names & ID_WORDS or span < 1.1 * column.present):
        return _row_id(column, "a row id")
    if names & ID_WORDS:
        return _categorical(column, f"whole numbers, `{min(names & ID_WORDS)}` in the name")
    if column.distinct <= (10 if names & QUANTITY_WORDS else FEW_VALUES):
        return _categorical(column, "few whole numbers")
    return _number(column, unsure=not names & QUANTITY_WORDS)


def _number(column: Column, *, unsure: bool) -> Guess:
    sample = column.sample.drop_nulls().cast(pl.Float64)
    values = sample.filter(sample.is_finite()).to_numpy()
    transform, why = guess_transform(values)
    missing = f", {column.nulls / column.rows:.1%} missing" if column.nulls else ""
    # Codes have no long tail.
    is_plain = transform["transform"] == "standard"
    note = "; make it categorical if it is a code" if unsure and is_plain else ""
    return Guess(
        reason=f"numbers from {column.minimum:g} to {column.maximum:g}{missing}; {why}{note}",
        options={"kind": "numeric"} | transform,
    )


def _text(column: Column) -> Guess:
    if column.dtype == pl.Boolean:
        return _categorical(column, "true or false")
    text = column.sample.drop_nulls().cast(pl.String)
    if text.str.contains(JSON).all():
        return Guess(reason="JSON text: write a list column or columns of its parts")
    if text.str.contains(DECIMAL_COMMA).all():
        return Guess(reason=f"numbers with a comma, such as {text[0]!r}: write them as 1234.5")
    for separator in SEPARATORS:
        pieces = _split(text, separator)
        if pieces is not None:
            return _several(column, pieces, pieces.explode().n_unique(), separator)
    if _near_unique(column):
        return _row_id(column, "a row id or free text")
    numbers = text.str.strip_chars().cast(pl.Float64, strict=False).null_count() == 0
    digits = "texts of digits (make it numeric if it is a quantity)"
    return _categorical(column, digits if numbers else "texts")


def _split(text: pl.Series, separator: str) -> pl.Series | None:
    """Returns the pieces where a separator makes lists of recurring items out of the texts."""
    holds = text.str.contains(separator, literal=True).mean()
    if not holds or float(holds) < 0.2:  # type: ignore[arg-type]
        return None
    pieces = text.str.split(separator)
    lengths = pieces.list.len()
    items = pieces.explode().n_unique()
    # "Last, first" has two pieces, a composite key always as many, prose has new ones each time.
    lists = lengths.max() > 2 and lengths.n_unique() > 1 and 2 * items < lengths.sum()  # type: ignore[operator]
    recurring = items < text.n_unique()
    amounts = bool(text.head(1000).str.contains(THOUSANDS).any()) and separator == ","
    return pieces if lists and recurring and not amounts else None
