"""`tee_map` in columns: each branch processes the same items, and their columns are put side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from makiserve.stream.columns.column import Rows
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.steps.step import Chain, Step
from makiserve.stream.columns.turn import Turn
from makiserve.stream.engine.stage import State


class TeeMapStep(Step):
    """Joins branches that emit together as tuples.

    Args:
        path: its place in the pipeline.
        branches: the branches.
        is_one_to_one: whether each item leaves as exactly one.

    Attributes:
        in_layout: the branches in the order in which the row engine allocates their slots.
    """

    def __init__(self, path: str, branches: Sequence[Chain], *, is_one_to_one: bool) -> None:
        super().__init__(path)
        self.branches = tuple(branches)
        self.in_layout = self.branches[::-1] if is_one_to_one else self.branches
        self.is_stateful = any(step.is_stateful for chain in branches for step in chain.steps)

    def chains(self) -> Iterator[Chain]:
        yield from self.branches

    def run(self, flow: Flow, turn: Turn) -> Flow:
        emitted = [chain.run(flow, turn) for chain in self.branches]
        first = emitted[0]
        return first.with_items(Rows(None, (), tuple(branch.items for branch in emitted))) if len(first) else first

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        slots = (chain.slots(tables, row, state, is_tracked=is_tracked) for chain in self.in_layout)
        return [content for contents in slots for content in contents]
