"""Writes a first schema for a table, with the reason for every choice as a comment."""

from __future__ import annotations

import glob
import textwrap
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from ctrmoe import strict
from ctrmoe.data import infer_roles as roles
from ctrmoe.data.infer_columns import HeaderLine, TableColumns
from ctrmoe.data.infer_features import Guess, guess_feature, words
from ctrmoe.data.infer_profile import Column, profile
from ctrmoe.data.sources import Table, find_files
from ctrmoe.schema import Schema, SchemaError

MIN_SHARED_VALUES = 20
WIDTH = 100


@dataclass(kw_only=True)
class Draft:
    """A schema in the making; every entry carries its reason."""

    rows: int
    tasks: list[tuple[Column, str]]
    domain: Column | None
    group: Column | None
    timestamp: Column | None
    features: dict[str, Guess] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def infer_schema(
    source: Table,
    *,
    name: str = "",
    labels: Sequence[str] | None = None,
    columns: Sequence[str] = (),
) -> str:
    """Returns the text of a schema file that fits a table.

    Counts, ranges and cardinalities come from every row (cardinalities above 8,192 within about
    1 %), all else from an evenly spaced sample; memory is that of one chunk and the sample.

    Args:
        source: Parquet or CSV files (a path, a glob, a folder, or several), or a polars, pandas or
            pyarrow table. Texts of a CSV file that are all numbers count as numbers.
        name: Name of the data set; the first path's where left empty.
        labels: Columns to predict, instead of those that look like labels.
        columns: Names of the columns of CSV files without a header line.

    Raises:
        SchemaError: If no label is found, a given one does not hold 0 and 1, or the table can't be
            read.
    """
    files, header = find_files(source), HeaderLine(tuple(columns))
    table = TableColumns.of(files, header)
    profiles = profile(table.chunks(files, header), parse=table.parsed)
    if not profiles or not profiles[0].rows:
        raise SchemaError("The table must have at least one row. Received: 0 rows.")
    draft = _draft(profiles, labels)
    for column, count in table.partial.items():
        draft.left_out[column] = f"only in {count} of {len(files)} files"
    text = _render(draft, name or _name(source), header)
    Schema.from_dict(tomllib.loads(text))
    return text


def _name(source: Table) -> str:
    first = source[0] if isinstance(source, list | tuple) else source
    if not isinstance(first, str | Path):
        return "table"
    path = Path(first)
    while glob.has_magic(path.name):
        path = path.parent
    return path.name.split(".")[0] or "table"


def _draft(columns: list[Column], labels: Sequence[str] | None) -> Draft:
    tasks = roles.given_labels(columns, labels) if labels else roles.find_labels(columns)
    taken = [column for column, _ in tasks]
    others = [c for c in columns if c not in taken]
    draft = Draft(
        rows=columns[0].rows,
        tasks=tasks,
        domain=roles.find_domain(others),
        group=roles.find_group(others),
        timestamp=roles.find_timestamp(others),
    )
    for column in others:
        guess = _leak(column, taken) or guess_feature(column)
        if guess.options:
            draft.features[column.name] = guess
        else:
            draft.left_out[column.name] = guess.reason
    if not draft.features:
        reasons = "; ".join(f"`{column}` ({why})" for column, why in draft.left_out.items())
        raise SchemaError(
            "At least one column besides labels must be fit for a feature. Received: "
            f"{reasons or 'labels only'}. Add columns, or write the schema by hand."
        )
    _share_vocabularies(draft, {column.name: column for column in others})
    return draft


def _leak(column: Column, labels: Sequence[Column]) -> Guess | None:
    """Returns why a column would give a label away, if it would."""
    if roles.named_label(column):
        missing = f" ({column.nulls:,} values missing)" if column.nulls else ""
        return Guess(reason=f"0 and 1 with the name of an outcome, but no label here{missing}")
    if column.dtype.is_nested() or column.dtype == pl.Object or not column.present:
        return None
    numeric = column.dtype.is_numeric()
    for label in labels:
        area = roles.label_auc(column, label, numeric)
        if area is not None and area >= roles.LEAK_AUC:
            return Guess(
                reason=f"alone it predicts {label.name} with AUC {area:.3f}: is it known before "
                "the outcome? Add it where it is"
            )
    return None


def _share_vocabularies(draft: Draft, columns: dict[str, Column]) -> None:
    """Lets a sequence use the table of the single feature that holds the same values."""
    for name, guess in draft.features.items():
        if guess.options["kind"] != "sequence":
            continue
        owner = _owner(columns[name], draft, columns)
        if owner:
            # Rare values are a matter of the vocabulary, hence of its owner.
            own = ("min_count", "hash_buckets")
            options = {k: v for k, v in guess.options.items() if k not in own}
            draft.features[name] = Guess(
                reason=f"{guess.reason}; most of its values are those of {owner}",
                options=options | {"vocabulary": owner},
            )


def _owner(sequence: Column, draft: Draft, columns: dict[str, Column]) -> str:
    lists, separator = sequence.sample, draft.features[sequence.name].options.get("separator")
    lists = lists.str.split(separator) if separator else lists
    items = lists.explode(empty_as_null=True).drop_nulls().unique()
    best, best_rank = "", (False, 0.0)
    for name, guess in draft.features.items():
        values = columns[name].sample
        single = guess.options["kind"] == "categorical" and "max_length" not in guess.options
        same = values.dtype.is_integer() == items.dtype.is_integer()
        if not single or not same or columns[name].distinct < MIN_SHARED_VALUES:
            continue
        values = values.drop_nulls().unique().cast(items.dtype)
        both = len(items.filter(items.is_in(values.implode())))
        alike = bool(set(words(name)) & set(words(sequence.name)) - {"id"})
        rank = (alike, both / (len(items) + len(values) - both))
        if both >= (0.5 if alike else 0.8) * len(items) and rank > best_rank:
            best, best_rank = name, rank
    return best


def _render(draft: Draft, name: str, header: HeaderLine) -> str:
    lines = [
        f"# Drawn up by `ctrmoe infer` from {draft.rows:,} rows. The comments give the reasons:",
        "# read them, mend what is wrong, and remove what is not known at serving time.",
        *_table({"name": name}),
        *_role("domain", draft.domain, "a business domain by name", "2 to 50 values, all present"),
        *_role("group", draft.group, "the user by name: GAUC is per user", "20 users or more"),
        *_role("timestamp", draft.timestamp, "for `--split time:`", "a moment in every row"),
        *(_table({"columns": header.columns}) if header.columns else ()),
    ]
    names = _task_names([column.name for column, _ in draft.tasks])
    for (column, reason), task in zip(draft.tasks, names, strict=True):
        rate = f"{column.total / column.rows:.2%} are 1"
        entry = {"name": task} | ({"column": column.name} if task != column.name else {})
        lines += ["", *_comment(f"{reason}; {rate}"), *_table({"tasks": [entry]})]
    for feature, guess in draft.features.items():
        entry = {"name": feature} | guess.options
        lines += ["", *_comment(guess.reason), *_table({"features": [entry]})]
    if draft.left_out:
        lines += ["", "# Left out of the features:"]
        for column_name, reason in draft.left_out.items():
            lines += _comment(f"- {column_name or '(no name)'}: {reason}")
    return "\n".join(lines) + "\n"


def _role(key: str, column: Column | None, found: str, wanted: str) -> Iterator[str]:
    if column is None:
        yield from _comment(f"{key}: no column has the name of one and {wanted}")
        return
    values = ""
    if key == "domain":
        counts = column.sample.alias("value").value_counts(sort=True)
        shares = [f"{v} {n / len(column.sample):.0%}" for v, n in counts.head(6).iter_rows()]
        values = f" ({', '.join(shares)}{', ...' if column.distinct > 6 else ''})"
    yield from _comment(f"{found}: {column.distinct:,} values{values}")
    yield from _table({key: column.name})


def _task_names(labels: Sequence[str]) -> list[str]:
    """Returns names that an output of a model can have: ASCII letters, digits and `_`."""
    names: list[str] = []
    for label in labels:
        plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in label).strip("_")
        plain = plain or "label"
        names.append(plain if plain not in names else f"{plain}_{len(names) + 1}")
    return names


def _table(table: dict[str, Any]) -> list[str]:
    return strict.dump_toml(table).splitlines()


def _comment(text: str) -> list[str]:
    # A line break or another control character of a header would end the comment.
    printable = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return textwrap.wrap(
        printable,
        WIDTH,
        initial_indent="# ",
        subsequent_indent="#   ",
        break_long_words=False,
        break_on_hyphens=False,
    )
