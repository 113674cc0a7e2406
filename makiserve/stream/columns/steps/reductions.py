"""The reductions of a window in columns, as a tree: leaves reduce, joins put results side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.columns.attempt import Attempt
from makiserve.stream.columns.column import Items, Rows
from makiserve.stream.columns.flow import Flow
from makiserve.stream.columns.steps.step import Chain, Step
from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.scope import MISSING

NONE = -1
"""The number of the values of a reduction that reduces none."""


@dataclass(frozen=True, eq=False)
class FirstItem(Fold):
    """`first` as a reduction: the first item of a window."""

    name: ClassVar[str] = "first"

    def reduction(self) -> Reduction:
        return Reduction(MISSING, _first_present, _first_present)


@dataclass(frozen=True, eq=False)
class Bound(Fold):
    """The start or the end of a window of time as a reduction that needs no values.

    Attributes:
        number: 0 for the start, 1 for the end.
    """

    name: ClassVar[str] = "bound"
    number: int = 0

    def reduction(self) -> Reduction:
        return Reduction(None, _first_present, _first_present)


def _first_present(earlier: Any, later: Any) -> Any:
    return later if earlier is MISSING else earlier


@dataclass(frozen=True)
class Values:
    """The values that reductions of a window share.

    Attributes:
        chain: the steps from an item to its value.
        is_last: whether only `last` reduces them, which needs nothing but the latest one.
    """

    chain: Chain
    is_last: bool


@dataclass(frozen=True)
class WindowReduction:
    """One reduction of a window's items.

    Attributes:
        path: its place in the pipeline.
        node: the operator.
        values: the number of what it reduces, among those of the window; NONE for a bound.
        after: the steps from its result to what the branch emits.
        is_certain: as in `Step`.
    """

    path: str
    node: Fold
    values: int
    after: Chain
    is_certain: bool


@dataclass(frozen=True)
class Join:
    """Branches of a window's pipeline, whose results are joined as tuples.

    Attributes:
        branches: the branches.
        after: the steps that follow.
    """

    branches: tuple[WindowReduction | Join, ...]
    after: Chain


def leaves_of(node: WindowReduction | Join) -> Iterator[WindowReduction]:
    """Yield the reductions of a tree, in the order of the branches."""
    if isinstance(node, WindowReduction):
        yield node
    else:
        for branch in node.branches:
            yield from leaves_of(branch)


def _after_chains(node: WindowReduction | Join) -> Iterator[Chain]:
    """Yield the steps that follow the reductions and joins of a tree."""
    if isinstance(node, Join):
        for branch in node.branches:
            yield from _after_chains(branch)
    yield node.after


class ReducingStep(Step):
    """Emits what a pipeline of reductions makes of each window.

    Args:
        path: its place in the pipeline.
        values: what the reductions of a window reduce.
        tree: the reductions, and how their results are joined.
    """

    is_stateful = True

    def __init__(self, path: str, values: Sequence[Values], tree: WindowReduction | Join) -> None:
        super().__init__(path)
        self.values, self.tree, self.leaves = tuple(values), tree, tuple(leaves_of(tree))

    def chains(self) -> Iterator[Chain]:
        for values in self.values:
            yield values.chain
        yield from _after_chains(self.tree)


class WindowResults(ABC):
    """The results of the windows that close in a batch.

    Args:
        attempt: the current attempt at the batch.
    """

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt

    def emitted(self, node: WindowReduction | Join) -> Flow:
        """Return what a part of the window's pipeline emits."""
        if isinstance(node, WindowReduction):
            emitted = self.flow_of(self.results(node))
        else:
            branches = [self.emitted(branch) for branch in node.branches]
            emitted = branches[0].with_items(Rows(None, (), tuple(branch.items for branch in branches)))
        return node.after.run(emitted, self.attempt)

    @abstractmethod
    def flow_of(self, results: Items) -> Flow:
        """Return results, one for each window, with the items that close the windows as their causes."""

    @abstractmethod
    def results(self, leaf: WindowReduction) -> Items:
        """Return the results of a reduction, one for each window.

        Raises:
            Unrepresentable: arrays cannot hold a result.
        """
