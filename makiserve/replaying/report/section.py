"""What a page consists of: sections of figures and tables, and the tiles at its top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from makiserve.replaying.report.figure import Figure


@dataclass(frozen=True)
class Table:
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
class Section:
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
    tables: Sequence[Table] = ()
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
