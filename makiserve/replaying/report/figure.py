"""A figure of the page: a plot in two sizes, and the words around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

Size = tuple[float, float]

WIDE, HALF, PHONE = (1110.0, 300.0), (548.0, 320.0), (350.0, 260.0)
"""Width and height of a plot over the whole page, of one beside another, and of both on a phone."""


@dataclass(frozen=True)
class Figure:
    """A plot with its words.

    Attributes:
        title: what is shown.
        says: a sentence that helps to read it; may be empty.
        plots: one for every screen, or one for large screens and one for phones.
        legend: colour class and meaning of each kind of mark.
        is_wide: whether it takes the whole width of the page.
    """

    title: str
    says: str
    plots: tuple[Markup, ...]
    legend: tuple[tuple[str, str], ...] = ()
    is_wide: bool = False


def wide(title: str, says: str, draw: Callable[[Size], Markup], *legend: tuple[str, str]) -> Figure:
    """A figure over the whole width of the page."""
    return Figure(title, says, (draw(WIDE), draw(PHONE)), legend, is_wide=True)


def half(title: str, says: str, draw: Callable[[Size], Markup], *legend: tuple[str, str]) -> Figure:
    """A figure that stands beside another where there is room."""
    return Figure(title, says, (draw(HALF), draw(PHONE)), legend)
