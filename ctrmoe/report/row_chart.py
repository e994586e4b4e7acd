"""Charts with a line for each name: points with intervals, and bars.

Widths are shares of the window, texts keep their size: a chart is readable on a phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from ctrmoe.report.markup import percent, tag
from ctrmoe.report.scale import Scale, number_text

ROW, TICKS = 22, 20
"""Height in pixels of a line, and of the texts below the axis."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points with their intervals.

    Args:
        heading: Title of the axis, with its unit.
        scale: The axis.
        values: One for each name.
        low: Lower limits of the intervals.
        high: Upper limits.
        styles: Of each: `strong` for a filled point, `weak` for a hollow one.
        band: Limits of what is shaded.
        references: Vertical lines by what they stand for.
    """

    heading: str
    scale: Scale
    values: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    styles: Sequence[str]
    band: tuple[float, float] | None = None
    references: Mapping[str, float] = field(default_factory=dict)

    def draw(self, names: Sequence[str]) -> Markup:
        """Returns the drawing, in which every name has a line of `ROW` pixels."""
        rows = zip(names, self.values, self.low, self.high, self.styles, strict=True)
        return frame(
            len(names),
            self.scale,
            self.heading,
            *self._band(len(names)),
            *grid(len(names), self.scale),
            *self._references(len(names)),
            *(self._point(number, *row) for number, row in enumerate(rows)),
        )

    def _band(self, rows: int) -> list[Markup]:
        if self.band is None:
            return []
        left, right = (self.scale.place(value) for value in self.band)
        place = {"x": percent(left), "width": percent(right - left)}
        return [tag("rect", y=0, height=rows * ROW, class_="band", **place)]

    def _references(self, rows: int) -> list[Markup]:
        return [
            tag(
                "g",
                tag("title", f"{name}: {number_text(value)}"),
                _upright(self.scale, value, rows),
            )
            for name, value in self.references.items()
        ]

    def _point(
        self, number: int, name: str, value: float, low: float, high: float, style: str
    ) -> Markup:
        middle = number * ROW + ROW / 2
        ends = {"x1": percent(self.scale.place(low)), "x2": percent(self.scale.place(high))}
        text = f"{name}: {number_text(value)} ({number_text(low)} to {number_text(high)})"
        return tag(
            "g",
            tag("title", text),
            tag("line", y1=middle, y2=middle, **ends),
            tag("circle", cx=percent(self.scale.place(value)), cy=middle, r=4),
            class_=f"point {style}",
        )


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from 0 on.

    Args:
        heading: Title of the axis, with its unit.
        values: One for each name, not negative.
        texts: What stands beside each bar.
    """

    heading: str
    values: Sequence[float]
    texts: Sequence[str]

    def draw(self, names: Sequence[str]) -> Markup:
        """Returns the drawing, in which every name has a line of `ROW` pixels."""
        largest = max(self.values, default=0) or 1
        rows = zip(names, self.values, self.texts, strict=True)
        bars = [self._bar(number, *row, largest) for number, row in enumerate(rows)]
        height = len(names) * ROW + TICKS
        return tag("svg", *bars, height=height, role="img", aria_label=self.heading)

    def _bar(self, number: int, name: str, value: float, text: str, largest: float) -> Markup:
        return tag(
            "g",
            tag("title", f"{name}: {text}"),
            tag("rect", y=number * ROW + 3, height=ROW - 6, width=percent(value / largest)),
            tag("text", text, x="100%", dx=-4, y=number * ROW + 15),
            class_="bar",
        )


def row_chart(names: Sequence[str], *panels: Points | Bars) -> Markup:
    """Draws panels side by side, whose lines share their names, the first name on top."""
    column = tag("ol", *(tag("li", tag("span", name), title=name) for name in names))
    drawn = [panel.draw(names) for panel in panels]
    headings = [tag("p", panel.heading) for panel in panels]
    return tag("div", column, *drawn, tag("p"), *headings, class_=f"lines panels-{len(panels)}")


def frame(rows: int, scale: Scale, label: str, *content: Markup) -> Markup:
    """Draws what is given above the texts of an axis."""
    height = rows * ROW
    texts = (
        tag("text", number_text(tick), x=percent(scale.place(tick)), y=height + 14)
        for tick in scale.ticks()
    )
    return tag("svg", *content, *texts, height=height + TICKS, role="img", aria_label=label)


def grid(rows: int, scale: Scale) -> list[Markup]:
    """Draws a vertical line at each tick."""
    return [_upright(scale, tick, rows, "grid") for tick in scale.ticks()]


def _upright(scale: Scale, value: float, rows: int, style: str = "reference") -> Markup:
    place = percent(scale.place(value))
    return tag("line", x1=place, x2=place, y1=0, y2=rows * ROW, class_=style)
