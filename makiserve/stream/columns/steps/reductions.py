"""The reductions of a window in columns, as a tree: leaves reduce, joins put results side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.columns.steps.step import Chain, StoreSlot
from makiserve.stream.engine.fold import Fold, Reduction
from makiserve.stream.engine.scope import MISSING


@dataclass(frozen=True, eq=False)
class FirstItem(Fold):
    """`first` as a reduction: the first item of a window."""

    name: ClassVar[str] = "first"

    def reduction(self) -> Reduction:
        return Reduction(MISSING, _first_present, _first_present)


def _first_present(earlier: Any, later: Any) -> Any:
    return later if earlier is MISSING else earlier


@dataclass(frozen=True)
class Values:
    """The values that reductions of a window share: steps from an item to its value, and where the last ones are kept.

    Attributes:
        chain: the steps.
        history: the store of the last values.
        is_last: whether only `last` reduces them, which needs nothing but the latest one.
    """

    chain: Chain
    history: StoreSlot
    is_last: bool


@dataclass(frozen=True)
class WindowReduction:
    """One reduction of a window's items.

    Attributes:
        path: its place in the pipeline.
        node: the operator.
        values: the number of what it reduces, among those of the window.
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


def after_chains(node: WindowReduction | Join) -> Iterator[Chain]:
    """Yield the steps that follow the reductions and joins of a tree."""
    if isinstance(node, Join):
        for branch in node.branches:
            yield from after_chains(branch)
    yield node.after
