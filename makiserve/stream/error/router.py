"""`error.create_error_router`: errors as a separate stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from makiserve.stream.engine.catch import Catch
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Traits
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.reactive import Subject, rx


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
