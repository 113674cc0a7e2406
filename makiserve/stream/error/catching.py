"""`error.ignore`, `error.map`, `error.create_error_router`: drop, replace or route items that raised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.stream.engine.catch import Catch
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import EACH, Rhythm, Traits
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.reactive import Subject, rx


def ignore() -> Transform:
    """Drop the items on which an operator before this one raised.

    ```
    --1-----0--2----|
      map(lambda i: 1 / i), error.ignore()
    --1.0------0.5--|
    ```

    The state of the operators before it is as before the item (in RxSci it is reset).

    *Emits* what the operators before it emit. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> inverse = rx.pipe(rs.ops.map(lambda i: 1 / i), rs.error.ignore(), rs.math.sum(reduce=True))
    >>> rx.from_([1, 0, 2, 4]).pipe(inverse).run()
    1.75
    """
    return operator(Ignore())


@dataclass(frozen=True, eq=False)
class Ignore(Catch):
    """The node of `error.ignore`."""

    name: ClassVar[str] = "error.ignore"

    def write_caught(self, code: Code, error: str, keep: Callable[[Code, str], None]) -> None:
        """Write nothing: the item is dropped."""


def map(mapper: Callable[[Exception], Any]) -> Transform:
    """Emit `mapper(error)` in place of each item on which an operator before this one raised.

    ```
    --1----0---2----|
      map(lambda i: 1 / i), error.map(lambda error: -1)
    --1.0--(-1)-0.5-|
    ```

    *Emits* what the operators before it emit, and one item for each error. *State* none. *Raises* what `mapper` raises.

    >>> import rx, makiserve.stream as rs
    >>> inverse = rx.pipe(rs.ops.map(lambda i: 1 / i), rs.error.map(lambda error: type(error).__name__))
    >>> rx.from_([1, 0]).pipe(inverse).subscribe(print).dispose()
    1.0
    ZeroDivisionError
    """
    return operator(MapError(mapper))


@dataclass(frozen=True, eq=False)
class MapError(Catch):
    """The node of `error.map`."""

    name: ClassVar[str] = "error.map"
    traits = Traits(stateless=True)
    mapper: Callable[[Exception], Any]

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return EACH if before == EACH else None

    def write_caught(self, code: Code, error: str, keep: Callable[[Code, str], None]) -> None:
        keep(code, f"{code.constant(self.mapper)}({error})")


def create_error_router() -> tuple[rx.Observable, Callable[[], Transform]]:
    """Return a stream of errors, and an operator that sends the errors of the operators before it to that stream.

    ```
    --1----0--2-----|
      map(lambda i: 1 / i), route()
    --1.0-----0.5---|
    -------E--------|    the errors
    ```

    If the errors are not subscribed to, they end the stream as if there were no router. The operator may be used in
    several places. An error of the source, or one that leaves a `multiplex` or a store before it, is routed once and
    ends the stream.

    *Emits* what the operators before it emit; the error stream completes with the stream. *State* none.

    >>> import rx, makiserve.stream as rs
    >>> errors, route = rs.error.create_error_router()
    >>> seen = errors.subscribe(lambda error: print("seen:", error))
    >>> rx.from_([1, 0, 2]).pipe(rs.ops.map(lambda i: 1 / i), route()).subscribe(print).dispose()
    1.0
    seen: division by zero
    0.5
    """
    errors = Subject()
    return errors, lambda: operator(Route(errors))


@dataclass(frozen=True, eq=False)
class Route(Catch):
    """The node of an error router."""

    name: ClassVar[str] = "error.route"
    traits = Traits(stateless=True)
    errors: Subject

    def write_caught(self, code: Code, error: str, keep: Callable[[Code, str], None]) -> None:
        code.line(f"{code.constant(self._deliver, 'route')}({error})")

    def end(self, error: Exception | None) -> None:
        if error is not None:
            self.errors.on_next(error)
        self.errors.on_completed()

    def _deliver(self, error: Exception) -> None:
        if not self.errors.observers:
            raise error
        self.errors.on_next(error)
