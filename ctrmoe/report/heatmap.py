"""A matrix as coloured cells, as wide as the window allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from ctrmoe.report.markup import percent, tag
from ctrmoe.report.row_chart import ROW
from ctrmoe.report.scale import number_text

LETTER = 7
MAX_LETTERS = 22
STEPS = 5
"""Colours of the legend on each side of 0."""


def heatmap(
    matrix: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    heading: str,
    by_row: bool = False,
) -> Markup:
    """Draws a matrix: the further a value is from 0, the fuller its colour.

    Positive values are blue, negative ones orange, and values that are not known (NaN) have no
    cell. The number of a cell is shown where the pointer rests on it.

    Args:
        matrix: `[rows, columns]`.
        rows: Names of the rows.
        columns: Names of the columns.
        heading: What the colours stand for, with its unit.
        by_row: Whether the fullest colour is the value furthest from 0 of each row, and not of the
            matrix.
    """
    sizes = np.abs(np.nan_to_num(matrix))
    largest = sizes.max(axis=1 if by_row else None, keepdims=True, initial=0.0)
    shares = np.divide(matrix, largest, out=np.zeros(matrix.shape), where=largest > 0)
    width = 1 / len(columns)
    cells = []
    for (row, column), value in np.ndenumerate(matrix):
        if np.isfinite(value):
            text = f"{rows[row]}, {columns[column]}: {number_text(value)}"
            cells.append(_cell(row, column, width, shares[row, column], text))
    height = len(rows) * ROW
    short = [_short(name) for name in columns]
    foot = LETTER * max(map(len, short)) + 8
    names = [
        _upright((number + 0.5) * width, -height - 4, text, name)
        for number, (text, name) in enumerate(zip(short, columns, strict=True))
    ]
    picture = tag("svg", *cells, *names, height=height + foot, role="img", aria_label=heading)
    column = tag("ol", *(tag("li", tag("span", name), title=name) for name in rows))
    end = "largest of its line" if by_row else number_text(float(largest.max(initial=0.0)))
    legend = _legend(heading, end, bool(np.nanmin(matrix, initial=0.0) < 0))
    return tag("div", column, picture, legend, class_="lines cells")


def _cell(row: int, column: int, width: float, share: float, text: str) -> Markup:
    return tag(
        "rect",
        tag("title", text),
        x=percent(column * width),
        y=row * ROW,
        width=percent(width),
        height=ROW,
        fill_opacity=f"{abs(share):.3f}",
        class_="below" if share < 0 else "above",
    )


def _upright(place: float, start: int, text: str, name: str) -> Markup:
    written = tag("text", text, transform="rotate(-90)", x=start, dy="0.32em")
    return tag("svg", written, tag("title", name), x=percent(place), class_="upright")


def _legend(heading: str, end: str, signed: bool) -> Markup:
    patches = [
        tag("rect", width=18, height=14, fill_opacity=abs(step) / STEPS,
            class_="below" if step < 0 else "above")
        for step in range(-STEPS if signed else 0, STEPS + 1)
    ]  # fmt: skip
    colours = [tag("svg", patch) for patch in patches]
    lowest = f"-{end}" if signed else "0"
    return tag("p", f"{heading}: {lowest} ", *colours, f" {end}", class_="legend")


def _short(name: str) -> str:
    """Cuts a long name in its middle: related features often differ at their ends."""
    half = MAX_LETTERS // 2
    return name if len(name) <= MAX_LETTERS else f"{name[:half]}…{name[1 - half :]}"
