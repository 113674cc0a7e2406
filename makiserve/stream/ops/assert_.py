"""`ops.assert_`, `ops.assert_1`: fail the stream if an item breaks a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.held_items import HeldItems
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import MISSING, Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator


def assert_(
    predicate: Callable[[Any], Any], name: str = "", error: Callable[[str], Exception] = ValueError
) -> Transform:
    """Fail on an item for which `predicate` is not true.

    ```
    --1--2--0--|
      assert_(lambda i: i > 0)
    --1--2--X
    ```

    The error ends an Observable. In a lane it makes the record a dead letter, and the stream continues. Any true value
    passes (RxSci requires `True` itself, so that numpy booleans fail). The message names the assertion but not the
    item: messages are logged, items are not.

    Args:
        predicate: the condition.
        name: the name of the assertion in the message.
        error: creates the error from its message.

    *Emits* the item. *State* none. *Raises* `error`, and what `predicate` raises.

    >>> import rx, makiserve.stream as rs
    >>> positive = rs.ops.assert_(lambda i: i > 0, name="positive")
    >>> rx.from_([1, 0]).pipe(positive).subscribe(print, print).dispose()
    1
    assert positive failed
    """
    return operator(Assert(predicate, name, error))


@dataclass(frozen=True, eq=False)
class Assert(Operator):
    """The node of `assert_`."""

    name: ClassVar[str] = "assert_"
    traits = Traits(stateless=True, one_to_one=True)
    predicate: Callable[..., Any]
    label: str
    error: Callable[[str], Exception]

    def build(self, then: Stage, scope: Scope) -> Part:
        def push(code: Code, item: str) -> None:
            with code.block(f"if not {code.constant(self.predicate)}({item}):"):
                self.write_raise(code)
            then.push(code, item)

        return Part(push, then.complete)

    def write_raise(self, code: Code) -> None:
        """Write that the assertion fails."""
        message = f"assert {self.label} failed" if self.label else "assert failed"
        code.line(f"raise {code.constant(self.error, 'error')}({message!r})")


def assert_1(
    predicate: Callable[[Any, Any], Any], name: str = "", error: Callable[[str], Exception] = ValueError
) -> Transform:
    """Fail on an item for which `predicate(previous, item)` is not true; the first item has no previous one.

    ```
    --1--2--2--1--|
      assert_1(lambda previous, i: previous <= i)
    --1--2--2--X
    ```

    The error ends an Observable. In a lane it makes the record a dead letter, and the next item is compared with the
    last one that passed. Any true value passes (RxSci requires `True` itself). A None that came first is compared like
    any other item (on a plain Observable, RxSci leaves it out). As in `assert_`, the message does not contain the
    items.

    Args:
        predicate: the condition, of the previous item and the item.
        name: the name of the assertion in the message.
        error: creates the error from its message.

    *Emits* the item. *State* one item a key. *Raises* `error`, and what `predicate` raises. If `predicate` raises for
    two items in a row, both fail, and the previous item is dropped. If it is false, the previous item stays, however
    many items fail.

    >>> import rx, makiserve.stream as rs
    >>> rising = rs.ops.assert_1(lambda previous, i: previous <= i, name="rising")
    >>> rx.from_([1, 2, 0]).pipe(rising).subscribe(print, print).dispose()
    1
    2
    assert rising failed
    """
    return operator(Assert1(predicate, name, error))


@dataclass(frozen=True, eq=False)
class Assert1(Assert):
    """The node of `assert_1`."""

    name: ClassVar[str] = "assert_1"
    traits = Traits(one_to_one=True)

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.value(MISSING)
        held = HeldItems(scope, slot, self.name)
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            state, missing, fails = code.state(scope), code.constant(MISSING, "MISSING"), code.name("fails")
            previous = code.let("previous", f"{state}[{slot}]")
            with held.given(code, state):
                call = f"{code.constant(self.predicate)}({previous}, {item})"
                code.line(f"{fails} = False if {previous} is {missing} or {call} else True")
            with code.block(f"if {fails}:"):
                self.write_raise(code)
            code.line(f"{state}[{slot}] = {item}")
            code.line(f"{state}[{held.slot}] = 0")
            then.push(code, item)

        return Part(push, then.complete)
