"""State in parts: what is written again and what is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.parts import ROOT, Parts
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace


def tracked(pipeline: Any) -> tuple[Program, Parts, Any]:
    program = Program(trace(pipeline), is_tracked=True)
    return program, Parts(Checkpoints(program)), program.new_state()


def taken(parts: Parts, state: Any, *, is_whole: bool = False) -> dict[bytes, bytes | None]:
    return dict(parts.take(state, is_whole=is_whole))


def test_only_the_groups_that_a_record_came_to_are_taken() -> None:
    program, parts, state = tracked(rs.ops.group_by(lambda i: i % 100, [rs.ops.count()]))
    program.feed(range(100), state)
    assert parts.touched(state) == 100
    assert len(taken(parts, state)) == 1 + 100
    program.feed([3, 103, 7], state)
    assert parts.touched(state) == 2
    assert len(taken(parts, state)) == 1 + 2
    assert taken(parts, state).keys() == {ROOT}
    assert len(taken(parts, state, is_whole=True)) == 1 + 100


def test_a_group_that_is_forgotten_is_taken_as_gone() -> None:
    grouped = rs.ops.group_by(
        lambda i: i[0], [rs.ops.count()], ttl=timedelta(milliseconds=100), time_mapper=lambda i: i[1]
    )
    program, parts, state = tracked(grouped)
    program.feed([("a", 0), ("b", 50)], state)
    before = taken(parts, state)
    program.feed([("c", 1000)], state)
    after = taken(parts, state)
    assert {address for address, part in after.items() if part is None} == before.keys() - {ROOT}
    kept = {address: part for address, part in (before | after).items() if part is not None}
    assert program.feed([("c", 1001), ("a", 1002)], parts.join(kept.items())).outputs == [2, 1]


@pytest.mark.parametrize("same", [1, 1.0, True, np.int64(1), np.float64(1.0)])
def test_keys_that_a_dict_takes_for_one_have_one_address(same: Any) -> None:
    program, parts, state = tracked(rs.ops.group_by(lambda i: i, [rs.ops.count()]))
    program.feed([1], state)
    first = taken(parts, state)
    program.feed([same, (2, same)], state)
    assert first.keys() < taken(parts, state).keys()
    assert len(taken(parts, state, is_whole=True)) == 1 + 2


def test_a_failed_record_costs_one_part_and_changes_nothing() -> None:
    program, parts, state = tracked(rs.ops.group_by(lambda i: i % 2, [rs.ops.map(lambda i: 1 / i), rs.ops.count()]))
    program.feed([1, 2], state)
    before = taken(parts, state)
    assert program.feed([0], state).failures
    after = taken(parts, state)
    assert after == {address: before[address] for address in after}


def test_groups_in_windows_belong_to_the_root() -> None:
    program, parts, state = tracked(rs.data.roll(4, 4, rs.ops.group_by(lambda i: i % 2, [rs.ops.count()])))
    program.feed(range(3), state)
    assert taken(parts, state).keys() == {ROOT}
    assert not parts.is_keyed


def test_whether_all_state_is_kept_by_key_is_known() -> None:
    assert tracked(rs.ops.group_by(lambda i: i, [rs.ops.count()]))[1].is_keyed
    assert not tracked([rs.ops.count(), rs.ops.group_by(lambda i: i, [rs.ops.count()])])[1].is_keyed


def test_parts_that_do_not_make_a_state_are_refused() -> None:
    _, parts, state = tracked(rs.ops.group_by(lambda i: i, [rs.ops.count()]))
    root = taken(parts, state)[ROOT]
    assert root is not None
    for damaged in (
        {},
        {ROOT: b"x"},
        {ROOT: b"\x90"},
        {ROOT: root, b"\x92\x01\x01": b"\xc1"},
        {ROOT: root, b"x": root},
    ):
        with pytest.raises(StateError, match="damaged"):
            parts.join(damaged.items())
