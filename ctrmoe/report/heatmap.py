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
LEGEND_STEPS = 5


def heatmap(
    matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str], heading: str
) -> Markup:
    """Draws a matrix: the further a value is from 0, the fuller its colour.

    Positive values are blue, negative ones orange, and values that are not known (NaN) have no
    cell. The number of a cell is shown where the pointer rests on it.

    Args:
        matrix: `[rows, columns]`.
        rows: Names of the rows.
        columns: Names of the columns.
        heading: What the colours stand for, with its unit.
    """
    largest = float(np.nanmax(np.abs(matrix), initial=0.0)) or 1.0
    width = 1 / len(columns)
    cells = [
        _cell(row, column, width, value / largest, f"{rows[row]}, {columns[column]}: "
              f"{number_text(value)}")
        for (row, column), value in np.ndenumerate(matrix)
        if np.isfinite(value)
    ]  # fmt: skip
    short = [_short(name) for name in columns]
    height = len(rows) * ROW
    names = [
        tag(
            "svg",
            tag("text", text, transform="rotate(-90)", x=-height - 4, dy="0.32em"),
            tag("title", name),
            x=percent((number + 0.5) * width),
            class_="upright",
        )
        for number, (text, name) in enumerate(zip(short, columns, strict=True))
    ]
    foot = LETTER * max(map(len, short)) + 8
    drawing = tag("svg", *cells, *names, height=height + foot, role="img", aria_label=heading)
    column = tag("ol", *(tag("li", tag("span", name), title=name) for name in rows))
    signed = bool(np.nanmin(matrix, initial=0.0) < 0)
    legend = _legend(heading, largest, signed)
    return tag("div", column, drawing, tag("p"), legend, class_="lines cells")


def _cell(row: int, column: int, width: float, value: float, text: str) -> Markup:
    return tag(
        "rect",
        tag("title", text),
        x=percent(column * width),
        y=row * ROW,
        width=percent(width),
        height=ROW,
        fill_opacity=f"{abs(value):.3f}",
        class_="below" if value < 0 else "above",
    )


def _legend(heading: str, largest: float, signed: bool) -> Markup:
    first = -LEGEND_STEPS if signed else 0
    steps = []
    for step in range(first, LEGEND_STEPS + 1):
        share = step / LEGEND_STEPS
        named = abs(step) == LEGEND_STEPS or step == 0
        style = f"{'below' if share < 0 else 'above'}"
        patch = tag("svg", tag("rect", width=18, height=14, fill_opacity=abs(share), class_=style))
        steps.append(tag("span", patch, number_text(share * largest) if named else ""))
    return tag("p", f"{heading} ", *steps, class_="legend")


def _short(name: str) -> str:
    """Cuts a long name in its middle: related features often differ at their ends."""
    half = MAX_LETTERS // 2
    return name if len(name) <= MAX_LETTERS else f"{name[:half]}…{name[1 - half :]}"
