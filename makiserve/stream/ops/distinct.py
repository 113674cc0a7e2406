"""`ops.distinct`, `ops.distinct_until_changed`: drop items that repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.held_items import HeldItems
from makiserve.stream.engine.key import same_key
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def distinct(key_mapper: Callable[[Any], Any] | None = None) -> Transform:
    """Emit an item unless an equal one has come before.

    ```
    --0--1--2--1--3--0--|
      distinct()
    --0--1--2-----3-----|
    ```

    Args:
        key_mapper: the value to compare; by default the item itself. It must be hashable.

    *Emits* the first item of each key. *NaN* is one key, alone or in a tuple. *State* every key that has come: only the
    window or group around the operator bounds it. *Raises* what `key_mapper` raises, and `TypeError` for a key that
    cannot be hashed.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([0, 1, 2, 1, 3, 0]).pipe(rs.ops.distinct(lambda i: i % 3)).subscribe(print).dispose()
    0
    1
    2
    """
    return operator(Distinct(key_mapper))


@dataclass(frozen=True, eq=False)
class Distinct(Operator):
    """The node of `distinct`."""

    name: ClassVar[str] = "distinct"
    key_mapper: Callable[[Any], Any] | None

    def build(self, then: Stage, scope: Scope) -> Part:
        keys = scope.container(dict)  # a set's order depends on its history: a checkpoint's bytes would, too

        def push(code: Code, item: str) -> None:
            key = code.let("key", f"{code.constant(self.key_mapper)}({item})" if self.key_mapper else item)
            seen = code.let("seen", f"{code.state(scope)}[{keys}]")
            with code.block(f"if {key} not in {seen} and ({key} := {code.constant(same_key)}({key})) not in {seen}:"):
                code.line(f"{seen}[{key}] = None")
                code.line(f"journal.append(({seen}.pop, {key}))")
                then.push(code, item)

        return Part(push, then.complete)


def distinct_until_changed(key_mapper: Callable[[Any], Any] | None = None) -> Transform:
    """Emit an item unless it equals the one just before it.

    ```
    --0--1--1--2--1--1--|
      distinct_until_changed()
    --0--1-----2--1-----|
    ```

    The first item is always emitted (RxSci drops a leading None).

    Args:
        key_mapper: the value to compare, with `!=`; by default the item itself.

    *Emits* the first item of each run. *State* one value a key. *Raises* what `key_mapper` and the comparison raise. If
    the comparison raises for two items in a row, both fail, and the next item is emitted.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([None, None, 1, 1]).pipe(rs.ops.distinct_until_changed()).subscribe(print).dispose()
    None
    1
    """
    return operator(DistinctUntilChanged(key_mapper))


@dataclass(frozen=True, eq=False)
class DistinctUntilChanged(Operator):
    """The node of `distinct_until_changed`."""

    name: ClassVar[str] = "distinct_until_changed"
    key_mapper: Callable[[Any], Any] | None

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.value(MISSING)
        held = HeldItems(scope, slot, self.name)
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            key = code.let("key", f"{code.constant(self.key_mapper)}({item})" if self.key_mapper else item)
            state, is_changed = code.state(scope), code.name("is_changed")
            previous = code.let("previous", f"{state}[{slot}]")
            with held.given(code, state):
                differs = f"{previous} is {code.constant(MISSING, 'MISSING')} or {key} != {previous}"
                code.line(f"{is_changed} = True if {differs} else False")
            code.line(f"{state}[{held.slot}] = 0")
            with code.block(f"if {is_changed}:"):
                code.line(f"{state}[{slot}] = {key}")
                then.push(code, item)

        return Part(push, then.complete)
