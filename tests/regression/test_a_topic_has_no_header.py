"""RxSci's csv.load takes the first record after each start for a header: windows shift against training."""

from __future__ import annotations

from typing import Any

import makiserve.stream as rs
from makiserve.stream.engine.checkpoint import Checkpoints
from makiserve.stream.engine.program import Program
from makiserve.stream.engine.trace import trace
from makiserve.stream.rxsci.container import csv
from tests.unit.stream.feed import emitted

PARSER = csv.create_line_parser([("time", int), ("x", float)])
LINES = ["1,0.5", "2,1.5", "3,2.5", "4,3.5"]


def test_a_topic_has_no_header() -> None:
    assert [row.time for row in emitted(csv.load(PARSER, header=False), LINES)] == [1, 2, 3, 4]


def test_a_file_has_one() -> None:
    assert [row.time for row in emitted(csv.load(PARSER), ["time,x", *LINES])] == [1, 2, 3, 4]


def test_a_restart_takes_no_record_for_one() -> None:
    program = Program(trace([csv.load(PARSER), rs.ops.map(lambda row: row.time)]))
    checkpoints = Checkpoints(program)
    state, outputs = program.new_state(), list[Any]()
    for line in ["time,x", *LINES]:
        outputs += program.feed([line], state).outputs
        state = checkpoints.load(checkpoints.dump(state))
    assert outputs == [1, 2, 3, 4]
