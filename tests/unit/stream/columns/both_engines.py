"""Records that both engines process in the same batches, with equal results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from makiserve.stream.columns.checkpoint import ColumnCheckpoints
from makiserve.stream.columns.program import ColumnProgram
from makiserve.stream.engine.program import FeedResult, Program


def assert_equal_batches(
    columns: ColumnProgram, rows: Program, records: Sequence[Any], cuts: Sequence[int], codec: ColumnCheckpoints | None
) -> tuple[Any, Any]:
    """Feed records to both engines in batches of the sizes `cuts` in turn, and return their states.

    With a `codec`, the state of the columns is restored from a checkpoint after each batch.
    """
    state, other = columns.new_state(), rows.new_state()
    start, turn = 0, 0
    while start < len(records):
        batch = records[start : start + cuts[turn % len(cuts)]]
        assert _results(columns.feed(batch, state)) == _results(rows.feed(batch, other))
        if codec:
            state = codec.load(codec.dump(state))
        start, turn = start + len(batch), turn + 1
    return state, other


def _results(fed: FeedResult) -> Any:
    return repr(list(fed.outputs)), fed.causes, [(at, str(error), error.operator) for at, error in fed.failures]
