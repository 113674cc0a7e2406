"""The columnar program: it computes a whole batch at a time, with the results of the row engine to the last bit.

A batch is an attempt: the steps compute what they would write, and the lane's state changes only if every record has
passed. If records fail, the others are computed again without them. If arrays cannot hold a value with equal bits and
type, such as an integer beyond 64 bits, its group moves to the row engine and stays there. Only the speed differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from makiserve.errors import OperatorError
from makiserve.stream.columns.attempt import NOTHING_KEPT, Attempt, RecordsFailed, Unrepresentable
from makiserve.stream.columns.column import Array, Items, join, objects
from makiserve.stream.columns.compile import Compiled
from makiserve.stream.columns.flow import lane_flow
from makiserve.stream.columns.items import ColumnItems
from makiserve.stream.columns.keeping import KeepingProgram
from makiserve.stream.columns.row_copy import CopiedScope, RowCopy, SmallBatches
from makiserve.stream.columns.state import LaneState
from makiserve.stream.engine.plan import Plan
from makiserve.stream.engine.program import FeedResult, Program
from makiserve.stream.engine.stage import State

PIECE = 64
"""Number of records that are computed together once a failure has depended on the records before it."""


class ColumnProgram:
    """A plan compiled to steps over columns. One program serves any number of states, one at a time, in one thread.

    Args:
        plan: a plan of which every operator has a columnar form.
        compiled: its steps.
        rows: the same plan for the row engine.
        small: which batches the row engine computes, because it is faster.
        keeping: the same plan for small batches, if functions are called whose results are kept. It has the keepers
            that the steps know.
    """

    def __init__(
        self,
        plan: Plan,
        compiled: Compiled,
        rows: Program,
        small: SmallBatches,
        keeping: KeepingProgram | None = None,
    ) -> None:
        self.plan, self.compiled, self.rows, self.keeping = plan, compiled, rows, keeping
        self._small, self._copied = small, CopiedScope(compiled.chain, rows.scope)
        self._copied_small = CopiedScope(compiled.chain, keeping.scope) if keeping else self._copied

    def new_state(self) -> LaneState:
        """Return the state of a lane that has not seen any items."""
        return LaneState(self.compiled.tables(), self.rows.new_state())

    def feed(self, items: Sequence[Any], state: LaneState) -> FeedResult:
        """Process items in order. An item that fails leaves no trace in `state` and is reported.

        Items that are a column, `ColumnItems`, are read from its arrays. The outputs are such a column, too, unless the
        batch is small.
        """
        if len(items) <= self._small.records and not isinstance(items, ColumnItems) and not state.is_foreign:
            state.small += 1
            if state.small > self._small.after:
                if not state.pause:
                    return self._feed_small(items, state)
                state.pause -= 1
        else:
            state.small = 0
        self.catch_up(state)
        state.copy = None
        column = items.column if isinstance(items, ColumnItems) else objects(items)
        batch = _Batch(self, column, state)
        batch.run()
        return batch.result()

    def _feed_small(self, items: Sequence[Any], state: LaneState) -> FeedResult:
        if state.copy is None:
            state.copy = RowCopy(self.compiled, self._copied_small, state)
        pending, kept = state.copy.pending, list[tuple[Any, ...]]()
        if self.keeping:
            fed, kept = self.keeping.feed(items, state.copy.state)
        else:
            fed = self.rows.feed(items, state.copy.state)
        failed = {index for index, error in fed.failures if not error.has_trace}  # the columns must note it, too
        pending += [item for index, item in enumerate(items) if index not in failed] if failed else items
        state.copy.kept += [results for index, results in enumerate(kept) if index not in failed] if failed else kept
        state.copy.batches += 1
        if not state.copy.is_worthwhile(self._small):
            self.catch_up(state)
            state.copy, state.pause = None, self._small.pause
        elif len(pending) >= self._small.pending:
            self.catch_up(state)
        return fed

    def failure_of(self, item: Any, error: OperatorError, state: LaneState) -> OperatorError | None:
        """Return the error of an item that has failed with `error`: that of the row engine on a copy of its groups.

        It decides which error comes first, and which window or held item may be the cause. The state notes a window of
        a roll, and a held item.

        Returns:
            None if only the row engine can remove the cause.
        """
        copy = RowCopy(self.compiled, self._copied, state)
        failures = self.rows.feed([item], copy.state).failures
        failed = self.rows.scope.journal.failed if failures else ()
        error = failures[0][1] if failures else error  # a function may not fail again
        return error if copy.note_failures(failed) else None

    def catch_up(self, state: LaneState) -> None:
        """Process the records of small batches in columns, so that the tables hold the whole state of the lane."""
        if state.copy is None or not state.copy.pending:
            return
        batch = _Batch(self, objects(state.copy.pending), state, state.copy.kept)
        batch.run()
        state.copy.pending.clear()
        state.copy.kept.clear()
        if batch.has_failures or state.is_foreign or state.copy.groups > self._small.groups:
            state.copy = None

    def complete(self, state: LaneState) -> list[Any]:
        """Complete a finite stream: open windows and reductions emit their results. A lane never completes."""
        return self.rows.complete(self.row_state(state))

    def row_state(self, state: LaneState) -> State:
        """Return the state as the row engine would hold it. The lane is the row engine's from then on."""
        self.catch_up(state)
        state.copy = None
        self.compiled.move_all(state)
        return state.rows


class _Batch:
    """The items of one call of `feed`, in pieces that are computed together.

    Args:
        program: the program.
        items: the items.
        state: the state of the lane.
        kept: for each item the results of the functions whose results are kept; empty if they must be called.
    """

    def __init__(
        self, program: ColumnProgram, items: Items, state: LaneState, kept: Sequence[tuple[Any, ...]] = ()
    ) -> None:
        self._program, self._items, self._state, self._kept = program, items, state, kept
        self._by_function = program.keeping.by_function(kept) if program.keeping and kept else NOTHING_KEPT
        self._emitted: list[tuple[Items, Array]] = []
        self._failures: dict[int, OperatorError] = {}
        self._foreign: list[Array] = []
        self._keyed: list[tuple[Sequence[Any], Array]] = []
        self._has_moved = False
        self._pieces: list[Array] = [np.arange(len(items))] if len(items) else []

    def run(self) -> None:
        """Process every item."""
        compiled = self._program.compiled
        known = len(compiled.outermost_table(self._state).index) if compiled.is_keyed else 0
        while self._pieces and not self._state.is_foreign:
            self._attempt(self._pieces.pop())
        left = [*self._foreign, *reversed(self._pieces)]
        if left:
            self._by_rows(np.sort(np.concatenate(left)))
        if self._has_moved and compiled.is_keyed and not self._state.is_foreign:
            compiled.put_in_order(self._state, known, self._seen())

    @property
    def has_failures(self) -> bool:
        """True if an item has failed."""
        return bool(self._failures)

    def result(self) -> FeedResult:
        """Return what was emitted, in the order of the items."""
        failures = sorted(self._failures.items())
        if not self._emitted:
            return FeedResult([], [], failures)
        outputs = join([items for items, _ in self._emitted])
        causes = np.concatenate([at for _, at in self._emitted])
        if len(self._emitted) > 1:
            order = np.argsort(causes, kind="stable")
            causes, outputs = causes[order], outputs.take(order)
        return FeedResult(ColumnItems(outputs), causes.tolist(), failures)

    def _seen(self) -> list[Any]:
        """Return the keys of the records that have not failed, in order."""
        keys = {at: key for keys, indexes in self._keyed for key, at in zip(keys, indexes.tolist(), strict=True)}
        return [keys[at] for at in sorted(keys.keys() - self._failures.keys())]

    def _attempt(self, piece: Array) -> None:
        attempt = Attempt(self._state.tables, self._by_function)
        whole = len(piece) == len(self._items)
        try:
            flow = self._program.compiled.chain.run(
                lane_flow(self._items if whole else self._items.take(piece), piece), attempt
            )
        except RecordsFailed as failed:
            attempt.abandon()
            self._remove(piece, failed, attempt)
        except Unrepresentable as odd:
            attempt.abandon()
            self._move(piece, odd)
        except BaseException:
            attempt.abandon()
            raise
        else:
            attempt.commit()
            self._foreign += attempt.foreign
            self._keyed += attempt.keyed
            if len(flow):
                self._emitted.append((flow.items, flow.at))

    def _move(self, piece: Array, odd: Unrepresentable) -> None:
        """Move what arrays cannot hold to the row engine, and compute the records again."""
        self._program.compiled.move(self._state, odd)
        self._has_moved = True
        self._pieces.append(piece)

    def _remove(self, piece: Array, failed: RecordsFailed, attempt: Attempt) -> None:
        """Remove failed records, and compute the others again.

        A failure that depends on the records before it is certain only once none of those can fail any more: they are
        computed first. The row engine then names the error.
        """
        first = min(failed.failures)
        if failed.is_certain or first == piece[0]:
            gone = failed.failures
            if not failed.is_certain:
                item = self._items.take(piece[:1]).items()[0]
                error = self._program.failure_of(item, failed.failures[first], self._state)
                if error is None:
                    self._move(piece, attempt.group_of(first))
                    return
                gone = {first: error}
            self._failures |= gone
            rest = piece[~np.isin(piece, list(gone))]
            self._pieces += [rest] if len(rest) else []
            return
        cut = int(np.searchsorted(piece, first))
        later = piece[cut:]
        pieces = [piece[:cut], *(later[start : start + PIECE] for start in range(0, len(later), PIECE))]
        self._pieces += reversed(pieces)

    def _by_rows(self, at: Array) -> None:
        items, indexes, keeping = self._items.take(at).items(), at.tolist(), self._program.keeping
        if keeping and self._kept:
            fed = keeping.feed_again(items, [self._kept[index] for index in indexes], self._state.rows)
        else:
            fed = self._program.rows.feed(items, self._state.rows)
        self._failures |= {indexes[index]: error for index, error in fed.failures}
        if fed.causes:
            self._emitted.append((objects(fed.outputs), at[fed.causes]))
