"""State in blocks: what is written again and what is not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.stream.columns.engine_choice import AnyParts, checkpoints_of, parts_of, program_for
from makiserve.stream.engine import parts as module
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace


def tracked(pipeline: Any) -> tuple[Program, Parts, Any]:
    program = Program(trace(pipeline), is_tracked=True)
    return program, Parts(Checkpoints(program)), program.new_state()


def in_either(pipeline: Any) -> list[tuple[Any, AnyParts, Any]]:
    """The program of a pipeline in the row engine, and in columns."""
    program = program_for(trace(pipeline), is_tracked=True)
    return [tracked(pipeline), (program, parts_of(checkpoints_of(program)), program.new_state())]


def keys(parts: AnyParts, blocks: Iterable[bytes]) -> list[Any]:
    return sorted(key for block in blocks for key in parts.keys(block))


COUNTS = rs.ops.group_by(lambda i: i % 100, [rs.ops.count()])


@pytest.mark.parametrize(("program", "parts", "state"), in_either(COUNTS), ids=["rows", "columns"])
def test_only_the_groups_that_a_record_came_to_are_taken(program: Any, parts: AnyParts, state: Any) -> None:
    program.feed(range(100), state)
    assert keys(parts, parts.take(state, is_whole=False)) == list(range(100))
    program.feed([3, 103, 7], state)
    assert keys(parts, parts.take(state, is_whole=False)) == [3, 7]
    assert not list(parts.take(state, is_whole=False))
    assert keys(parts, parts.take(state, is_whole=True)) == list(range(100))


@pytest.mark.parametrize(("program", "parts", "state"), in_either(COUNTS), ids=["rows", "columns"])
def test_group_used_after_the_first_block_is_in_its_block_or_in_the_next_take(
    program: Any, parts: AnyParts, state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is used between two blocks: the last content of each group is that of the state."""
    monkeypatch.setattr(module, "BLOCK", 7)
    monkeypatch.setattr("makiserve.stream.columns.checkpoint.BLOCK", 7)
    program.feed(range(60), state)
    blocks = []
    for number, block in enumerate(parts.take(state, is_whole=False)):
        blocks.append(block)
        program.feed([number, 59 - number, 60 + number], state)
    assert len(blocks) == 9
    for block in parts.take(state, is_whole=False):
        blocks.append(block)
    joined = parts.join(blocks)
    assert sorted(program.feed(range(100), joined).outputs) == sorted(program.feed(range(100), state).outputs)


def test_a_group_that_is_forgotten_is_taken_as_gone() -> None:
    grouped = rs.ops.group_by(
        lambda i: i[0], [rs.ops.count()], ttl=timedelta(milliseconds=100), time_mapper=lambda i: i[1]
    )
    program, parts, state = tracked(grouped)
    program.feed([("a", 0), ("b", 50)], state)
    before = list(parts.take(state, is_whole=False))
    program.feed([("c", 1000)], state)
    after = list(parts.take(state, is_whole=False))
    (_, taken_keys, groups), *_ = (content for content in map(msgspec.msgpack.decode, after) if len(content) > 1)
    assert {key for key, group in zip(taken_keys, groups, strict=True) if group is None} == {"a", "b"}
    assert program.feed([("c", 1001), ("a", 1002)], parts.join(before + after)).outputs == [2, 1]


@pytest.mark.parametrize("same", [1, 1.0, True, np.int64(1), np.float64(1.0)])
def test_keys_that_a_dict_takes_for_one_are_one_group(same: Any) -> None:
    for program, parts, state in in_either(rs.ops.group_by(lambda i: i, [rs.ops.count()])):
        program.feed([1], state)
        blocks = list(parts.take(state, is_whole=False))
        program.feed([same, (2, same)], state)
        blocks += parts.take(state, is_whole=False)
        assert program.feed([1, (2, 1)], parts.join(blocks)).outputs == [3, 2]


def test_a_failed_record_costs_one_group_and_changes_nothing() -> None:
    program, parts, state = tracked(rs.ops.group_by(lambda i: i % 2, [rs.ops.map(lambda i: 1 / i), rs.ops.count()]))
    program.feed([1, 2], state)
    list(parts.take(state, is_whole=False))
    before = list(parts.take(state, is_whole=True))
    assert program.feed([0], state).failures
    assert keys(parts, parts.take(state, is_whole=False)) == [0]
    assert list(parts.take(state, is_whole=True)) == before


def test_groups_in_windows_belong_to_the_root() -> None:
    program, parts, state = tracked(rs.data.roll(4, 4, rs.ops.group_by(lambda i: i % 2, [rs.ops.count()])))
    program.feed(range(3), state)
    (root,) = parts.take(state, is_whole=False)
    assert len(msgspec.msgpack.decode(root)) == 1
    assert not parts.is_keyed


def test_whether_all_state_is_kept_by_key_is_known() -> None:
    assert tracked(rs.ops.group_by(lambda i: i, [rs.ops.count()]))[1].is_keyed
    assert not tracked([rs.ops.count(), rs.ops.group_by(lambda i: i, [rs.ops.count()])])[1].is_keyed


def test_blocks_that_do_not_make_a_state_are_refused() -> None:
    program, parts, state = tracked([rs.ops.group_by(lambda i: i, [rs.ops.count()]), rs.ops.count()])
    program.feed([1], state)
    root, group = parts.take(state, is_whole=False)
    assert program.feed([1], parts.join([root, group])).outputs == [2]
    for damaged in ([], [b"x"], [b"\x90"], [group], [root, b"\x92\x01\x01"], [root, b"\xc1"], [root, group[:-1]]):
        with pytest.raises(StateError, match="damaged"):
            parts.join(damaged)
