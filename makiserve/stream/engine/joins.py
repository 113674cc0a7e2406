"""How the results of branches over the same items are joined: as they are emitted, or at the end of an item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, zip_longest
from operator import or_
from typing import Any

from makiserve.stream.engine.code import Code, Held
from makiserve.stream.engine.held_items import HeldItems, holding
from makiserve.stream.engine.journal import Journal, Origin
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Stage, State

Writer = Callable[[Code, str], None]

Emitted = tuple[Any, Origin]
"""What a branch has emitted, and what may be the cause if a function fails on it."""

NOTHING: Emitted = (None, ())
"""What a branch without output gives to a row."""


def collect(emitted: list[Emitted], code: Code, value: str) -> None:
    """Write that a branch has emitted a value, which is joined at the end of the item."""
    code.line(f"{code.constant(emitted, 'branch')}.append(({value}, {code.origin}))")


def clear(lists: Sequence[list[Any]]) -> None:
    """Forget what the branches have emitted, and which held items they have met, for the item before."""
    for values in lists:
        values.clear()


def rows_of_equal(
    journal: Journal, passed: Sequence[tuple[HeldItems, State]], emitted: list[list[Emitted]]
) -> list[Emitted]:
    """Return the rows of branches that emit together.

    If a window or a held item of one branch is gone, those of the other branches have failed now, too. A branch that
    emits nothing may hold it, in a group as well: `passed` are the held items that the branches have met.
    """
    if len(set(map(len, emitted))) > 1:
        error = ValueError(
            "a branch emits fewer items than another one: earlier, a window in it could not complete, or items that it "
            "held were dropped"
        )
        origins = chain.from_iterable(origin for values in emitted for _, origin in values)
        journal.fail_all(error, *origins, *passed)
        raise error
    return [_joined(row) for row in zip(*emitted, strict=True)]


def rows_of_any(emitted: list[list[Emitted]]) -> list[Emitted]:
    """Return the rows of branches that need not emit together."""
    return [_joined(row) for row in zip_longest(*emitted, fillvalue=NOTHING)]


def _joined(row: Sequence[Emitted]) -> Emitted:
    """Return a row of values, and what may be the cause if a function fails on it."""
    return tuple(value for value, _ in row), tuple(chain.from_iterable(origin for _, origin in row))


def _together(then: Stage, scope: Scope, causes: list[Origin]) -> list[Writer]:
    """Join branches that each emit once for each item: their values are kept in variables, not in slots."""
    size = len(causes)
    values: list[str] = []
    held: list[Held] = []

    def join(code: Code, value: str) -> None:
        values.append(value)
        held.extend(chain.from_iterable(code.holding))
        if len(values) == size:
            row = code.let("row", f"({', '.join(values)},)")
            known = set(chain.from_iterable(code.holding))
            others = [items for items in dict.fromkeys(held) if items not in known]
            values.clear()
            held.clear()
            with holding(code, *others):
                then.push(code, row)

    return [join] * size


def _zip(then: Stage, scope: Scope, causes: list[Origin]) -> list[Writer]:
    size = len(causes)
    slots = [scope.value(MISSING, _first_present) for _ in range(size)]
    begin, end, filled = slots[0], slots[-1] + 1, scope.value(0, or_)

    def join(index: int, code: Code, value: str) -> None:
        state = code.state(scope)
        code.line(f"{state}[{begin + index}] = {value}")
        seen = code.let("seen", f"{state}[{filled}] | {1 << index}")
        with code.block(f"if {seen} == {(1 << size) - 1}:"):
            row = code.let("row", f"tuple({state}[{begin}:{end}])")
            code.line(f"{state}[{begin}:{end}] = {code.constant([MISSING] * size, 'blank')}")
            code.line(f"{state}[{filled}] = 0")
            then.call(code, row)
        with code.block("else:"):
            code.line(f"{state}[{filled}] = {seen}")

    return [partial(join, index) for index in range(size)]


def _first_present(earlier: Any, later: Any) -> Any:
    return later if earlier is MISSING else earlier


def _merge(then: Stage, scope: Scope, causes: list[Origin]) -> list[Writer]:
    return [then.call] * len(causes)


def _combine_latest(then: Stage, scope: Scope, causes: list[Origin]) -> list[Writer]:
    slots = [scope.value(None) for _ in causes]
    begin, end = slots[0], slots[-1] + 1

    def join(index: int, code: Code, value: str) -> None:
        state = code.state(scope)
        code.line(f"{state}[{begin + index}] = {value}")
        then.call(code, f"tuple({state}[{begin}:{end}])")

    return [partial(join, index) for index in range(len(slots))]


def _latest_with_causes(then: Stage, scope: Scope, causes: list[Origin]) -> list[Writer]:
    """Join the latest values; a row that fails may come from what any branch has emitted for the item."""

    def known(code: Code) -> str:
        return code.constant(causes, "causes")

    def call(code: Code, row: str) -> None:
        of_all = Held(f"{code.constant(chain.from_iterable, 'of_all')}({known(code)})")
        with holding(code, of_all), code.behind():
            then.call(code, row)

    latest = _combine_latest(then._replace(call=call), scope, causes)

    def join(index: int, code: Code, value: str) -> None:
        code.line(f"{known(code)}[{index}] = {code.origin}")
        latest[index](code, value)

    return [partial(join, index) for index in range(len(latest))]


JOINS = {
    "together": _together,
    "zip": _zip,
    "merge": _merge,
    "combine_latest": _combine_latest,
    "with_causes": _latest_with_causes,
}
"""By the name of the join, a function that returns what writes each branch's output."""
