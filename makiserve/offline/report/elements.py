"""The parts of a report's page: sections, tables, tiles and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup


@dataclass(frozen=True)
class ReportTable:
    """A table.

    Attributes:
        heads: of its columns.
        rows: the contents of the cells.
        numbers: indexes of the columns that are aligned right.
        codes: indexes of the columns that are set as code.
        summary: if not empty, the table is folded and this is its summary.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    numbers: frozenset[int] = frozenset()
    codes: frozenset[int] = frozenset()
    summary: str = ""


@dataclass(frozen=True)
class ReportSection:
    """A part of the page.

    Attributes:
        name: its anchor.
        title: may be empty, as it is for the first section.
        caption: a sentence below the title; may be empty.
        is_small: whether its figures are many and small.
    """

    name: str
    title: str = ""
    caption: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[ReportTable] = ()
    is_small: bool = False


@dataclass(frozen=True)
class Tile:
    """A number to read at a glance.

    Attributes:
        context: a reference that gives the number a meaning.
        mood: `bad` if the number is bad, otherwise empty.
    """

    name: str
    value: str
    context: str = ""
    mood: str = ""


Size = tuple[float, float]

WIDE, HALF, PHONE = (1110.0, 300.0), (548.0, 320.0), (350.0, 260.0)
"""Width and height of a full-width plot, of a half-width plot, and of both on a phone."""


@dataclass(frozen=True)
class Figure:
    """A plot with its title, caption and legend.

    Attributes:
        title: what the plot shows.
        caption: a sentence that helps to read it; may be empty.
        plots: one for every screen, or one for large screens and one for phones.
        legend: colour class and meaning of each kind of mark.
        is_wide: whether it takes the whole width of the page.
    """

    title: str
    caption: str
    plots: tuple[Markup, ...]
    legend: tuple[tuple[str, str], ...] = ()
    is_wide: bool = False


def wide(title: str, caption: str, draw: Callable[[Size], Markup], *legend: tuple[str, str]) -> Figure:
    """Return a figure over the whole width of the page."""
    return Figure(title, caption, (draw(WIDE), draw(PHONE)), legend, is_wide=True)


def half(title: str, caption: str, draw: Callable[[Size], Markup], *legend: tuple[str, str]) -> Figure:
    """Return a figure of half the page's width, next to another if the screen is wide enough."""
    return Figure(title, caption, (draw(HALF), draw(PHONE)), legend)
