"""Choose the engine of a plan: columns if every operator has a columnar form, rows otherwise."""

from __future__ import annotations

from makiserve.stream.columns.compile import Compiled
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.window_plan import NoColumns
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import Program


def program_for(plan: Plan, *, is_tracked: bool = False) -> Program | ColumnProgram:
    """Return the program of a plan. The choice depends on the plan alone; both engines give the same results.

    Args:
        plan: the plan to compile.
        is_tracked: whether states record which keys were used, for checkpoints that leave the others out.
    """
    rows = Program(plan, is_tracked=is_tracked)
    try:
        return ColumnProgram(plan, Compiled(plan, is_tracked=is_tracked), rows)
    except NoColumns:
        return rows
