"""A tree of names that join where they are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from ctrmoe.report.markup import percent, tag
from ctrmoe.report.row_chart import ROW, frame, grid
from ctrmoe.report.scale import Scale

_LEAF = 10
"""Height of a leaf in the coordinates of SciPy."""


def dendrogram(tree: np.ndarray, names: Sequence[str], heading: str) -> Markup:
    """Draws a tree with its leaves at the left.

    Args:
        tree: What `scipy.cluster.hierarchy.linkage` gives, with heights in [0, 1].
        names: Of the leaves in the order of their numbers.
        heading: What the height of a branch stands for, with its unit.
    """
    from scipy.cluster.hierarchy import dendrogram as order_leaves  # slow to import

    drawn = order_leaves(tree, no_plot=True)
    scale = Scale(0.0, 1.0)
    branches = [
        _branch(places, heights, scale)
        for places, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True)
    ]
    leaves = [names[leaf] for leaf in drawn["leaves"]]
    column = tag("ol", *(tag("li", tag("span", name), title=name) for name in leaves))
    picture = frame(len(leaves), scale, heading, *grid(len(leaves), scale), *branches)
    return tag("div", column, picture, tag("p"), tag("p", heading), class_="lines panels-1")


def _branch(places: Sequence[float], heights: Sequence[float], scale: Scale) -> Markup:
    x = [percent(scale.place(height)) for height in heights]
    y = [place / _LEAF * ROW for place in places]
    lines = [
        tag("line", x1=x[i], x2=x[i + 1], y1=y[i], y2=y[i + 1], class_="branch") for i in range(3)
    ]
    return tag("g", *lines)
