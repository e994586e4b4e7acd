"""A part of a page: what one kind of finding adds to the folder and to the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl
from markupsafe import Markup

DPI = 150
"""Dots per inch of the pictures of plots."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture.

    Args:
        name: Stem of its file.
        caption: What it shows, for who can't see it.
        png: The bytes of the file.
    """

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart that is part of the page's text, as `row_chart` and `heatmap` make them.

    Args:
        title: What it shows.
        markup: The elements.
        is_small: Whether it stands beside others where the window is wide enough.
    """

    title: str
    markup: Markup
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Findings of one kind; a new kind is a function that returns one of these.

    Args:
        name: Its anchor in the page.
        title: Its heading.
        text: How to read it, a paragraph each.
        plots: Its pictures.
        drawings: Its charts.
        tables: The whole tables by the stem of their files.
        excerpts: Tables that the page shows, by their caption.
        formats: Of numbers by the name of their column, where four digits behind the point
            are not what it wants.
    """

    name: str
    title: str
    text: tuple[str, ...]
    plots: tuple[Plot, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    excerpts: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
