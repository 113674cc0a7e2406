"""The state of a lane in the columnar engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from makiserve.stream.columns.group_table import Table
from makiserve.stream.engine.stage import State

if TYPE_CHECKING:
    from makiserve.stream.columns.row_copy import RowCopy


class LaneState:
    """The state of a lane.

    Attributes:
        tables: the state of each scope; the first is that of the lane, with one row.
        rows: the row engine's state, for groups that arrays cannot hold.
        is_foreign: whether the row engine has the whole state.
        copy: the copy on which the row engine computes small batches; None if the last batch was not small.
        small: the number of small batches since the last large one.
        pause: the number of small batches that columns compute, because the row engine would have to copy many groups.
    """

    def __init__(self, tables: Sequence[Table], rows: State) -> None:
        self.tables, self.rows = tables, rows
        self.is_foreign = False
        self.copy: RowCopy | None = None
        self.small = self.pause = 0
