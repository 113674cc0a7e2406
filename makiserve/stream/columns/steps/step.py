"""Steps: the operators of a plan in their columnar form, and chains of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from makiserve.stream.columns.attempt import Attempt
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.store import Store, numbers
from makiserve.stream.engine.stage import State


class ScopeLayout:
    """The stores of one scope, filled in while a plan is compiled.

    Args:
        number: the position of the scope's table in the state of a lane.
        parent: that of the enclosing scope; None for the lane's own.

    Attributes:
        stores: makers of the stores.
        owners: for each store the operator that it belongs to, by its place in the pipeline.
        allocate_mark: allocates the store of a mark of windows that could not complete; `tee_map` replaces it.
    """

    def __init__(self, number: int, parent: int | None = None) -> None:
        self.number, self.parent = number, parent
        self.stores: list[Callable[[], Store]] = []
        self.owners: list[str] = []
        self.allocate_mark: Callable[[], StoreSlot] = lambda: self.store("roll", lambda: Store(numbers(np.int64)))

    def store(self, owner: str, make: Callable[[], Store]) -> StoreSlot:
        """Allocate a store."""
        self.stores.append(make)
        self.owners.append(owner)
        return StoreSlot(self.number, len(self.stores) - 1)


class StoreSlot(NamedTuple):
    """The position of a store: the number of its table, and its number there."""

    table: int
    store: int

    def of(self, tables: Sequence[Any]) -> Any:
        """Return the store in the state of a lane."""
        return tables[self.table].stores[self.store]


class Step(ABC):
    """An operator in its columnar form.

    Attributes:
        path: its place in the pipeline, as errors name it.
        is_certain: whether no operator before it keeps state, so that its failures depend on the items alone.
        is_joined: whether it is in a branch that must emit together with others. What it holds is then dropped by the
            row engine, which also notices that the branches have come out of step.
    """

    is_stateful = False

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_certain, self.is_joined = True, False

    @property
    def reason(self) -> str | None:
        """Why a function of the user is called for each item; None if none is."""
        return None

    def chains(self) -> Iterator[Chain]:
        """Yield the chains inside."""
        yield from ()

    @property
    def in_layout(self) -> tuple[Chain, ...]:
        """The chains inside whose state is in the same scope, in the order in which the row engine allocates it."""
        return ()

    @abstractmethod
    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        """Process the items of a flow, which is not empty.

        Raises:
            RecordsFailed: a function of the user raised on some of them.
            Unrepresentable: arrays cannot hold a value.
        """

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        """Return what the slots of this operator hold in the row engine.

        Args:
            tables: the state of the lane in columns.
            row: the row of a group.
            state: the group's state in the row engine, of which these slots become a part.
            is_tracked: whether the row engine records which of the groups inside are used.
        """
        return []


class Chain:
    """Steps, one after the other."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self.steps = tuple(steps)

    def walk(self) -> Iterator[Step]:
        """Yield every step, outer before inner."""
        for step in self.steps:
            yield step
            for chain in step.chains():
                yield from chain.walk()

    def allocated(self) -> Iterator[Step]:
        """Yield the steps whose state is in this scope, in the order in which the row engine allocates it."""
        for step in reversed(self.steps):
            yield step
            for chain in step.in_layout:
                yield from chain.allocated()

    def run(self, flow: Flow, attempt: Attempt) -> Flow:
        """Process the items of a flow."""
        for step in self.steps:
            if not len(flow):
                break
            flow = step.run(flow, attempt)
        return flow

    def slots(self, tables: Sequence[Any], row: int, state: State, *, is_tracked: bool = False) -> list[Any]:
        """Return what the slots of all operators hold, in the order in which the row engine allocates them."""
        slots = (step.slots(tables, row, state, is_tracked=is_tracked) for step in reversed(self.steps))
        return [content for contents in slots for content in contents]
