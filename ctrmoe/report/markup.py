"""Elements of HTML and SVG whose texts and attributes are escaped."""

from __future__ import annotations

from markupsafe import Markup


def tag(name: str, *content: str, **attributes: object) -> Markup:
    """Builds an element.

    Args:
        name: Of the element; it is not escaped.
        content: Its texts, which are escaped, and its elements.
        attributes: `class_` stands for `class`, other underscores for hyphens; None leaves
            one out.
    """
    given = Markup().join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
        if value is not None
    )
    element = Markup(name)  # nosec B704
    return Markup("<{0}{1}>{2}</{0}>").format(element, given, Markup().join(content))


def percent(share: float) -> str:
    """Returns a share as a coordinate that follows the width of the drawing."""
    return f"{100 * share:.2f}%"
