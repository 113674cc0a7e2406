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
        rows: of what is written in the cells.
        numbers: the columns that stand right, by index.
        codes: the columns that are written as code, by index.
        summary: where it is not empty the table is folded behind it.
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
        title: may be empty, as of the first one.
        says: a sentence below the title; may be empty.
        is_small: whether its figures are many and small.
    """

    name: str
    title: str = ""
    says: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[ReportTable] = ()
    is_small: bool = False


@dataclass(frozen=True)
class Tile:
    """A figure that is read at a glance.

    Attributes:
        beside: what gives it a meaning.
        mood: `bad` where it is.
    """

    name: str
    value: str
    beside: str = ""
    mood: str = ""


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
