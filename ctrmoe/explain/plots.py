"""Heatmaps and bars as PNG bytes, the same for the same numbers."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ctrmoe.report.section import DPI

POINTS = 72
BAR_COLOUR, LINE_COLOUR = "#8fb3dc", "#26323f"
MAX_LABEL = 28
MAX_ANNOTATED = 12
MAX_LABELLED_PANEL = 40
MIN_CELL = 0.12  # inches: a label of the smallest font
MAX_WIDTH = 11
# Of the centre: what the colours of a heatmap differ by at least.
MIN_CONTRAST = 0.1

# matplotlib is imported where a figure is made: it is an extra, and slow to load.


def heatmap(
    matrix: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    centre: float | None = None,
) -> bytes:
    """Draws a matrix with the names of its rows and columns, and its numbers if they are few.

    With a `centre` the colours diverge from it: white is the centre, red is above, blue below.
    """
    height, width = _cells(len(rows), len(columns))
    figure = _figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    image = _image(axes, matrix, _scale([matrix], centre))
    _label(axes, rows, columns, min(height / len(rows), width / len(columns)))
    if max(matrix.shape) <= MAX_ANNOTATED:
        _annotate(axes, image, matrix)
    _colour_bar(figure, image)
    _title(figure, title)
    return _png(figure)


def heatmap_grid(
    panels: Sequence[tuple[str, np.ndarray]],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    centre: float | None = None,
) -> bytes:
    """Draws matrices of the same rows and columns on one scale, as `heatmap` each."""
    labelled = max(len(rows), len(columns)) <= MAX_LABELLED_PANEL
    smallest = MIN_CELL if labelled else 0.0
    height, width = _cells(len(rows), len(columns), (smallest, 0.22), least=1.4, side=3)
    down = math.ceil(len(panels) / max(1, min(len(panels), 4, int(MAX_WIDTH / width))))
    wide = math.ceil(len(panels) / down)  # rows of panels alike
    figure = _figure(width * wide, (height + 0.45) * down)
    grid = figure.subplots(down, wide, squeeze=False)
    scale = _scale([matrix for _, matrix in panels], centre)
    for axes in grid.flat[len(panels) :]:
        axes.remove()
    for number, (axes, (heading, matrix)) in enumerate(zip(grid.flat, panels, strict=False)):
        image = _image(axes, matrix, scale)
        axes.set_title(_short(heading), fontsize=8, parse_math=False)
        lowest = number + wide >= len(panels)
        _label(
            axes,
            rows if labelled and number % wide == 0 else [],
            columns if labelled and lowest else [],
            min(height / len(rows), width / len(columns)),
        )
    figure.subplots_adjust(0, 0, 1, 1, wspace=0.08, hspace=0.45 / height)
    _colour_bar(figure, image)
    _title(figure, title, space=0.3)
    return _png(figure)


def bars(
    names: Sequence[str],
    panels: Sequence[tuple[str, Sequence[float], Sequence[float], Sequence[float]]],
    title: str,
) -> bytes:
    """Draws horizontal bars with their intervals, the first name on top.

    Args:
        names: What each bar belongs to.
        panels: Heading, values, lower and upper limits of bars that share the names.
        title: Title of the whole figure.
    """
    figure = _figure(4.2 * len(panels), 0.24 * len(names) + 0.9)
    grid = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    places = np.arange(len(names))
    for axes, (heading, values, low, high) in zip(grid, panels, strict=True):
        centre, limits = np.asarray(values, float), np.asarray([low, high], float)
        axes.barh(places, centre, color=BAR_COLOUR, height=0.7)
        axes.errorbar(
            centre, places, xerr=np.abs(limits - centre), fmt="none", ecolor=LINE_COLOUR,
            elinewidth=1, capsize=2,
        )  # fmt: skip
        axes.axvline(0, color=LINE_COLOUR, linewidth=0.8)
        axes.grid(axis="x", color="#dddddd", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel(heading, fontsize=9)
        axes.tick_params(axis="y", length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
    grid[0].set_yticks(places, [_short(name) for name in names], fontsize=8, parse_math=False)
    grid[0].set_ylim(len(names) - 0.4, -0.6)
    figure.subplots_adjust(wspace=0.08)
    _title(figure, title)
    return _png(figure)


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    # Without pyplot there is no state and no window.
    return Figure(figsize=(width, height), dpi=DPI)


def _cells(
    rows: int,
    columns: int,
    limits: tuple[float, float] = (MIN_CELL, 0.42),
    *,
    least: float = 2.0,
    side: float = 7.0,
) -> tuple[float, float]:
    """Height and width in inches of a matrix of square cells, `side` long if the cells allow."""
    smallest, largest = limits
    cell = min(largest, max(smallest, side / max(rows, columns)))
    return max(cell * rows, 0.6), max(cell * columns, least)


def _scale(matrices: Sequence[np.ndarray], centre: float | None) -> Any:
    from matplotlib.colors import Normalize, TwoSlopeNorm

    low = min(float(matrix.min()) for matrix in matrices)
    high = max(float(matrix.max()) for matrix in matrices)
    if centre is None:
        return Normalize(min(low, 0.0), high or 1.0)
    # Rounding alone shall not look like a difference; around 0 are cosines, from -1 to 1.
    least = MIN_CONTRAST * centre or 1.0
    return TwoSlopeNorm(centre, min(low, centre - least), max(high, centre + least))


def _image(axes: Any, matrix: np.ndarray, scale: Any) -> Any:
    from matplotlib.colors import TwoSlopeNorm

    colours = "RdBu_r" if isinstance(scale, TwoSlopeNorm) else "viridis"
    return axes.imshow(matrix, cmap=colours, norm=scale, aspect="auto", interpolation="nearest")


def _label(axes: Any, rows: Sequence[str], columns: Sequence[str], cell: float) -> None:
    """Names rows and columns in letters that fit cells of so many inches."""
    style = {"fontsize": min(8.0, 0.75 * POINTS * cell), "parse_math": False}
    axes.set_xticks(range(len(columns)), [_short(name) for name in columns], rotation=90, **style)
    axes.set_yticks(range(len(rows)), [_short(name) for name in rows], **style)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _annotate(axes: Any, image: Any, matrix: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        red, green, blue, _ = image.cmap(image.norm(value))
        bright = 0.3 * red + 0.59 * green + 0.11 * blue > 0.5
        colour = "black" if bright else "white"
        text = f"{value:.2f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)


def _colour_bar(figure: Any, image: Any) -> None:
    # Beside the axes, whose cells keep their size: the picture is as large as what is drawn.
    width, height = figure.get_size_inches()
    place = (1 + 0.15 / width, max(0.0, 1 - 4 / height), 0.13 / width, min(1.0, 4 / height))
    # Ticks by colour and not by value: both sides of a centre have theirs.
    ticks = [float(tick) for tick in image.norm.inverse(np.linspace(0, 1, 5))]
    bar = figure.colorbar(image, cax=figure.add_axes(place), ticks=ticks)
    bar.ax.set_yticklabels([f"{round(tick, 4):.2g}" for tick in ticks], fontsize=7)
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)


def _title(figure: Any, title: str, space: float = 0.12) -> None:
    """Sets the title at the left, `space` inches above the axes."""
    place = figure.axes[0].get_position()
    figure.text(
        place.x0,
        place.y1 + space / figure.get_figheight(),
        title,
        fontsize=10,
        ha="left",
        va="bottom",
        parse_math=False,
    )


def _short(name: str) -> str:
    """Cuts a long name in its middle: related features often differ at their ends."""
    half = MAX_LABEL // 2
    return name if len(name) <= MAX_LABEL else f"{name[:half]}…{name[1 - half :]}"


def _png(figure: Any) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        # A sign that the font lacks is drawn as a box; the tables have the name.
        warnings.filterwarnings("ignore", "Glyph")
        # Without the version of the library equal numbers are equal bytes.
        figure.savefig(file, format="png", bbox_inches="tight", metadata={"Software": None})
    return file.getvalue()
