"""The page that joins all findings: one file, without the network."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import polars as pl

from ctrmoe.explain.plots import DPI
from ctrmoe.explain.section import Section

TEMPLATE = "page.html"
SCREEN_DPI = 96


def render_page(title: str, facts: Mapping[str, str], sections: Sequence[Section]) -> str:
    """Renders the page; all names are escaped, all pictures are inside.

    Args:
        title: Of the page.
        facts: What was explained with what, by name.
        sections: The findings in their order.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "cell": _cell,
        "heading": _heading,
        "image": _image,
        "numeric": _is_numeric,
        "width": _width,
    }
    text = files("ctrmoe.explain").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(text).render(title=title, facts=facts, sections=sections)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:z.4f}"  # without a minus before 0.0000
    return f"{value:,}" if isinstance(value, int) else str(value)


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _is_numeric(frame: pl.DataFrame, column: str) -> bool:
    return frame.schema[column].is_numeric()


def _image(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _width(png: bytes) -> int:
    """Width of a PNG on the page, of which its header has the pixels."""
    (pixels,) = struct.unpack(">I", png[16:20])
    return round(pixels * SCREEN_DPI / DPI)
