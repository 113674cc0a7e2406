"""Deeply nested bytes, or a list in place of a number, raised RecursionError and TypeError."""

from __future__ import annotations

import msgspec
import pytest

import makiserve.stream as rs
from makiserve.errors import StateError
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.parts import Parts
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace

DEEP = b"\x91" * 100_000


def test_a_damaged_checkpoint_is_a_state_error() -> None:
    program = Program(trace(rs.data.roll(window=3, stride=1, pipeline=rs.ops.count())), is_tracked=True)
    checkpoints = Checkpoints(program)
    good = msgspec.msgpack.decode(checkpoints.dump(program.new_state()))
    for damaged in (DEEP, msgspec.msgpack.encode([*good[:3], [None] * len(good[3])])):
        with pytest.raises(StateError, match="damaged"):
            checkpoints.load(damaged)
    with pytest.raises(StateError, match="damaged"):
        Parts(checkpoints).join([DEEP])
