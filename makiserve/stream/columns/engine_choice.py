"""Choose the engine of a plan: columns if every operator has a columnar form, rows otherwise."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.compile import Compiled
from makiserve.stream.columns.keeping import calls_of, keeping_program
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import NO_SMALL, SMALL
from makiserve.stream.columns.window_plan import NoColumns
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import Program
from makiserve.stream.ops.group_by import GroupBy
from makiserve.stream.ops.map import Map

Engine: TypeAlias = Program | ColumnProgram
AnyCheckpoints: TypeAlias = Checkpoints | ColumnCheckpoints
AnyParts: TypeAlias = Parts | ColumnCheckpoints


def program_for(plan: Plan, *, is_tracked: bool = False) -> Engine:
    """Return the program of a plan. The choice depends on the plan alone; both engines give the same results.

    Args:
        plan: the plan to compile.
        is_tracked: whether states record which keys were used, for checkpoints that leave the others out.
    """
    rows = Program(plan, is_tracked=is_tracked)
    calls = calls_of(plan)
    keeping = keeping_program(plan, calls, is_tracked=is_tracked) if calls else None
    try:
        compiled = Compiled(keeping.plan if keeping else plan, is_tracked=is_tracked)
    except NoColumns:
        return rows
    return ColumnProgram(plan, compiled, rows, NO_SMALL if calls and not keeping else SMALL, keeping)


class Explained(NamedTuple):
    """How a plan is computed.

    Attributes:
        rows_because: which operator has no columnar form, and why; None if the plan is computed in columns.
        calls: by the place of an operator in the pipeline, why a function of the user is called for each item.
    """

    rows_because: str | None
    calls: dict[str, str]


def explain(plan: Plan) -> Explained:
    """Return how a plan is computed."""
    try:
        compiled = Compiled(plan, is_tracked=False)
    except NoColumns as error:
        return Explained(str(error), {})
    return Explained(None, {step.path: step.reason for step in compiled.chain.walk() if step.reason})


def keys_of(plan: Plan) -> Engine | None:
    """Return the program that computes the key of each record; None if the groups of a plan are not independent.

    They are independent if all state is in the groups of one `group_by`, and each record gives it one item at most. The
    state of a group then depends on the records with its key alone.
    """
    place = next((at for at, operator in enumerate(plan.operators) if isinstance(operator, GroupBy)), None)
    if place is None:
        return None
    before, grouped, after = plan.operators[:place], plan.operators[place], Plan(plan.operators[place + 1 :])
    assert isinstance(grouped, GroupBy)  # noqa: S101  what was looked for
    if grouped.ttl_ms is not None or not after.stateless:
        return None
    if not Plan(before).stateless or Plan(before).fans_out:
        return None
    return program_for(Plan((*before, Map(grouped.key_mapper))))


def checkpoints_of(program: Engine, types: tuple[type, ...] = ()) -> AnyCheckpoints:
    """Return the checkpoints of a program's states.

    Args:
        program: the program.
        types: structured types that a state may hold, in addition to those that the pipeline's functions can name.
    """
    return ColumnCheckpoints(program, types) if isinstance(program, ColumnProgram) else Checkpoints(program, types)


def parts_of(checkpoints: AnyCheckpoints) -> AnyParts:
    """Return what takes the states of a tracked program apart."""
    return checkpoints if isinstance(checkpoints, ColumnCheckpoints) else Parts(checkpoints)
