"""Rules that find the labels, the domain, the group and the timestamp among the columns."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ctrmoe import strict
from ctrmoe.data.infer_features import is_time, words
from ctrmoe.data.infer_profile import Column
from ctrmoe.schema import SchemaError

MAX_DOMAINS = 50
LEAK_AUC = 0.97
LEAK_VALUES = 1000

LABEL_WORDS = set(
    "label target y click clicked clk conversion convert converted cvr purchase purchased buy "
    "bought order ordered install installed like liked follow forward finish finished "
    "subscribe subscribed churn churned".split()
)
EARLIER_WORDS = set("before past last previous prev hist history recent ever".split())
FLAG_WORDS = set(
    "is has flag with weekend holiday gender sex male female new mobile wifi active enabled "
    "registered premium member vip".split()
)
SUFFIXES = set("id no name code key group type index indicator hash".split())
# In order of preference.
DOMAINS = (
    "domain scenario scene campaign placement channel tab surface page country market region "
    "locale site app platform device os segment age"
).split()
GROUPS = "user uid userid member customer client visitor device session".split()


def is_binary(column: Column) -> bool:
    """Whether the column holds 0 and 1 and nothing else."""
    kind = column.dtype.is_numeric() or column.dtype == pl.Boolean
    return kind and (column.minimum, column.maximum, column.distinct) == (0, 1, 2)


def named_label(column: Column) -> bool:
    """Whether a column of 0 and 1 is called like an outcome."""
    names = set(words(column.name))
    return is_binary(column) and bool(names & LABEL_WORDS) and not names & EARLIER_WORDS


def given_labels(columns: Sequence[Column], labels: Sequence[str]) -> list[tuple[Column, str]]:
    """Returns the columns that the user named, each with its reason.

    Raises:
        SchemaError: If one is not there or does not hold 0 and 1.
    """
    known = {column.name: column for column in columns}
    for label in labels:
        if label not in known:
            hint = strict.suggestion(label, known)
            raise SchemaError(f"`labels` must name columns. Received: {label!r}.{hint}")
        column = known[label]
        if not is_binary(column) or column.nulls:
            seen = column.sample.unique().sort().head(6).to_list()
            raise SchemaError(
                f"Label `{label}` must hold 0 and 1, one in every row. Received: {seen}, "
                f"{column.nulls:,} missing. Write a column of 0 and 1 first."
            )
    return [(known[label], "asked for") for label in labels]


def find_labels(columns: Sequence[Column]) -> list[tuple[Column, str]]:
    """Returns the columns that look like labels, each with its reason.

    Columns of 0 and 1 with the name of an outcome; without any, those where tables usually have
    their labels: at the end or in front.

    Raises:
        SchemaError: If there is none.
    """
    whole = [column for column in columns if is_binary(column) and not column.nulls]
    named = [column for column in whole if named_label(column)]
    if named:
        return [(column, "0 and 1, by its name") for column in named]
    plain = [c for c in whole if not FLAG_WORDS & set(words(c.name))]
    found = [c for c in columns[:1] if c in plain]
    for column in reversed(columns[1:]):
        if column not in plain:
            break
        found.insert(0, column)
    if not found:
        raise SchemaError(_no_label(columns))
    found.sort(key=columns.index)
    return [(column, "0 and 1, a guess by its place in the table: check it") for column in found]


def _no_label(columns: Sequence[Column]) -> str:
    two = [f"`{c.name}`" for c in columns if not c.is_list and c.distinct == 2]
    hint = f" Columns with two values: {', '.join(two[:10])}." if two else ""
    return (
        f"No label was found: no column of 0 and 1 without missing values has the name of an "
        f"outcome or stands at the table's end or in front.{hint} Name it with `--label COLUMN` "
        "(`labels=[...]` in Python), after turning it into 0 and 1 where it is not."
    )


def label_auc(column: Column, label: Column, numeric: bool) -> float | None:
    """Returns the AUC of a single column for a label on the sample.

    A number is ranked by itself, in the better direction; a code by the label's mean, which is
    only fair with few values and many rows a value.

    Returns:
        The area, or None where it can't be told.
    """
    rows = pl.DataFrame({"value": column.sample, "label": label.sample.cast(pl.Int64)})
    groups = rows.group_by("value").agg(
        positives=pl.col("label").sum().cast(pl.Float64), rows=pl.len().cast(pl.Float64)
    )
    if not numeric:
        groups = groups.with_columns(value=pl.col("positives") / pl.col("rows"))
    groups = groups.sort("value", nulls_last=False)
    positives = groups["positives"].to_numpy()
    negatives = groups["rows"].to_numpy() - positives
    few = min(positives.sum(), negatives.sum()) < 20
    if few or (not numeric and groups.height > min(rows.height / 20, LEAK_VALUES)):
        return None
    below = negatives.cumsum() - negatives / 2
    area = float(positives @ below / (positives.sum() * negatives.sum()))
    return max(area, 1 - area)


def find_timestamp(columns: Sequence[Column]) -> Column | None:
    """Returns the moment with the finest grain."""
    moments = [c for c in columns if is_time(c) and c.distinct > 1 and not c.nulls]
    return max(moments, key=lambda c: c.distinct, default=None)


def find_group(columns: Sequence[Column]) -> Column | None:
    """Returns the user id: by name, with at least 20 users and 2 rows a user."""
    fit = [c for c in columns if _is_code(c) and c.distinct >= 20 and c.rows >= 2 * c.distinct]
    return _by_name(fit, GROUPS)


def find_domain(columns: Sequence[Column]) -> Column | None:
    """Returns the business domain: by name, with few values that all rows have."""
    fit = [c for c in columns if _is_code(c) and 2 <= c.distinct <= MAX_DOMAINS and not c.nulls]
    return _by_name(fit, DOMAINS)


def _is_code(column: Column) -> bool:
    return not (column.is_list or column.dtype.is_float() or is_binary(column) or is_time(column))


def _by_name(columns: Sequence[Column], names: Sequence[str]) -> Column | None:
    """Returns the first column called like one of the names, give or take a suffix.

    The whole name counts: `user_id` is the user, `user_feature_3` is not.
    """
    for name in names:
        for column in columns:
            rest = [word for word in words(column.name) if word not in SUFFIXES]
            if rest == [name]:
                return column
    return None
