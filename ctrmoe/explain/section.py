"""A part of the explanation: what one kind of finding adds to the folder and to the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


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
class Section:
    """Findings of one kind; a new kind is a function that returns one of these.

    Args:
        name: Its anchor in the page.
        title: Its heading.
        text: How to read it, a paragraph each.
        plots: Its pictures.
        tables: The whole tables by the stem of their files.
        excerpts: Tables that the page shows, by their caption.
    """

    name: str
    title: str
    text: tuple[str, ...]
    plots: tuple[Plot, ...] = ()
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    excerpts: Mapping[str, pl.DataFrame] = field(default_factory=dict)
