"""The state of a lane in the columnar engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from makiserve.stream.columns.table import Table
from makiserve.stream.engine.stage import State

Kinds = list[list[list[Any]]]
"""For each store of a table type and width of its arrays."""


class LaneState:
    """The state of a lane.

    Attributes:
        tables: the state of each scope; the first is that of the lane, with one row.
        rows: the row engine's state, for groups that arrays cannot hold.
        is_foreign: whether the row engine has the whole state.
        kinds: for each table the types that its stores have had in checkpoints, the last ones last.
    """

    def __init__(self, tables: Sequence[Table], rows: State) -> None:
        self.tables, self.rows = tables, rows
        self.is_foreign = False
        self.kinds: list[list[Kinds]] = [[] for _ in tables]

    def current_kinds(self) -> list[Kinds]:
        """Return for each table the types that its stores have now."""
        return [[store.kinds for store in table.stores] for table in self.tables]

    def note_kinds(self) -> None:
        """Add the present types to `kinds` if they have changed since the last checkpoint."""
        for known, kinds in zip(self.kinds, self.current_kinds(), strict=True):
            if not known or known[-1] != kinds:
                known.append(kinds)
