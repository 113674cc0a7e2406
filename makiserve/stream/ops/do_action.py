"""`ops.do_action`: side effects on a stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.catch import Catch
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Rhythm, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Traced, Transform, operator
from makiserve.stream.reactive import library_of, rx


def do_action(
    on_next: Callable[[Any], object] | None = None,
    on_error: Callable[[Exception], object] | None = None,
    on_completed: Callable[[], object] | None = None,
    on_create: Callable[[], object] | None = None,
) -> Transform:
    """Call functions on items, errors and completion; the stream is passed on unchanged.

    ```
    --1--2--3--|
      do_action(print)
    --1--2--3--|
    ```

    A side effect is not undone if a later operator fails on the item, and is repeated if records are scored again. A
    window that is computed from panes calls `on_next` once for each item, however many windows the item is in.

    Args:
        on_next: called with each item.
        on_error: called with the error of the source, or of an operator before this one in the pipeline. The error is
            passed on: it ends an Observable, makes a dead letter, or reaches an operator that handles it.
        on_completed: called when the stream, or each group or window, completes, without arguments, as in
            ReactiveX (RxSci's stores pass their own key).
        on_create: called before the first item of the stream, or of each group or window, without arguments.

    *Emits* the item. *State* none; with `on_create` one flag a key. *Raises* what the functions raise.

    >>> import rx, makiserve.stream as rs
    >>> printed = rs.ops.do_action(print, on_completed=lambda: print("done"))
    >>> rx.from_([1, 2]).pipe(printed, rs.math.sum(reduce=True)).run()
    1
    2
    done
    3
    """
    action = operator(DoAction(on_next, on_completed, on_create))
    if on_error is None:
        return action
    watch = operator(WatchErrors(on_error))

    def watched(source: rx.Observable) -> rx.Observable:
        return action(watch(_source_watched(source, on_error)))

    return watched


def _source_watched(source: rx.Observable, on_error: Callable[[Exception], object]) -> rx.Observable:
    """Watch the errors of the source, which do not pass through the operators."""
    if not isinstance(source, Traced):
        source = Traced(source)
    if source.origin is None:
        return source
    watch = library_of(source.origin).operators.do_action(on_error=on_error)
    return Traced(source.origin.pipe(watch), source.operators)


@dataclass(frozen=True, eq=False)
class DoAction(Operator):
    """The node of `do_action`."""

    name: ClassVar[str] = "do_action"
    on_next: Callable[[Any], object] | None
    on_completed: Callable[[], object] | None
    on_create: Callable[[], object] | None

    @property
    def traits(self) -> Traits:
        return Traits(stateless=self.on_create is None, one_to_one=True)

    def build(self, then: Stage, scope: Scope) -> Part:
        created = scope.value(first=False) if self.on_create else None
        if self.on_create:
            scope.writes(then)

        def push(code: Code, item: str) -> None:
            if self.on_create:
                with code.block(f"if not {code.state(scope)}[{created}]:"):
                    code.line(f"{code.constant(self.on_create)}()")
            if self.on_next:
                code.line(f"{code.constant(self.on_next)}({item})")
            if self.on_create:
                code.line(f"{code.state(scope)}[{created}] = True")
            then.push(code, item)

        def complete(code: Code) -> None:
            if self.on_completed:
                code.line(f"{code.constant(self.on_completed)}()")
            then.complete(code)

        return Part(push, complete)


@dataclass(frozen=True, eq=False)
class WatchErrors(Catch):
    """The node of `do_action(on_error=…)`."""

    name: ClassVar[str] = "do_action_on_error"
    traits = Traits(stateless=True)
    on_error: Callable[[Exception], object]

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return before

    def write_caught(self, code: Code, error: str, keep: Callable[[Code, str], None]) -> None:
        code.line(f"{code.constant(self.on_error)}({error})")
        code.line("raise")
