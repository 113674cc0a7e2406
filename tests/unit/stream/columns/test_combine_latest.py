"""`combine_latest` in columns: a branch that has not emitted gives None, whatever other groups hold."""

from __future__ import annotations

from typing import Any

import rx

import makiserve.stream as rs
from makiserve.stream.columns.engine_choice import program_for
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.columns.row_copy import NO_SMALL
from makiserve.stream.engine.trace import trace


def test_branch_without_output_gives_none_after_another_group_has_held_objects() -> None:
    value = rx.pipe(rs.ops.filter(lambda i: i[1] is not None), rs.ops.map(lambda i: i[1]))
    plan = trace(rs.ops.group_by(lambda i: i[0], rs.ops.tee_map(rs.ops.identity(), value, join="combine_latest")))
    program = program_for(plan)
    assert isinstance(program, ColumnProgram)
    program = ColumnProgram(plan, program.compiled, program.rows, NO_SMALL, program.keeping)
    state: Any = program.new_state()
    program.feed([("a", 1)], state)
    program.feed([("a", "text")], state)
    assert list(program.feed([("b", None)], state).outputs) == [(("b", None), None)]
