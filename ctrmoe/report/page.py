"""The page that joins all findings: one file, without the network."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2
import polars as pl

from ctrmoe.report.section import DPI, Section

TEMPLATE = "page.html"
SCREEN_DPI = 96
FORMAT = "z.4f"  # without a minus before 0.0000
LONG = 60
"""Letters of a sentence, which may be broken into lines."""
MAX_ROWS, MAX_OPEN = 1_000, 30
"""Most rows of a table that the page holds, and that it shows unasked."""


def render_page(title: str, facts: Mapping[str, str], sections: Sequence[Section]) -> str:
    """Renders the page; all names are escaped, all pictures are inside.

    A table has at most 1,000 rows on the page and says so where it is longer; one of more than 30
    rows is folded, and can be searched. A click on a heading sorts.

    Args:
        title: Of the page.
        facts: What was looked at with what, by name.
        sections: The findings in their order.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "cell": _cell,
        "heading": _heading,
        "image": _image,
        "width": _width,
    }
    environment.globals |= {"MAX_ROWS": MAX_ROWS, "MAX_OPEN": MAX_OPEN, "style": _style}
    text = files("ctrmoe.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(text).render(title=title, facts=facts, sections=sections)


def _cell(value: Any, form: str | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format(value, form or FORMAT)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _style(column: pl.Series) -> str:
    """Returns the class of a column's cells: figures have none."""
    if column.dtype.is_numeric():
        return ""
    texts = column.dtype == pl.String
    return "text long" if texts and (column.str.len_chars().max() or 0) > LONG else "text"  # type: ignore[operator]


def _image(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _width(png: bytes) -> int:
    """Width of a PNG on the page, of which its header has the pixels."""
    (pixels,) = struct.unpack(">I", png[16:20])
    return round(pixels * SCREEN_DPI / DPI)
