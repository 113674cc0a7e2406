"""Operators of rx itself in a pipeline: each scope subscribes to them once, and pushes into what they subscribe with.

What such an operator remembers is in its closures: it cannot be saved, and a failed record cannot be taken back in it.
That does no harm to operators that remember nothing. The others run in notebooks and replays, and are not served.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import rx
from rx.core.typing import Observer

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage

STATELESS = {"do_action", "filter", "map", "pluck"}
"""Operators of rx that remember nothing between items; `starmap` is made of `map`."""

EQUIVALENTS = {
    "average": "rs.math.mean()",
    "buffer_with_count": "rs.data.batch()",
    "concat_with_iterable": "rs.ops.start_with()",
    "count": "rs.ops.count()",
    "distinct": "rs.ops.distinct()",
    "distinct_until_changed": "rs.ops.distinct_until_changed()",
    "extrema_by": "rs.math.min() or rs.math.max()",
    "first_or_default_async": "rs.ops.first()",
    "group_by": "rs.ops.group_by()",
    "pairwise": "rs.ops.pairwise()",
    "sum": "rs.math.sum()",
    "take": "rs.ops.take()",
    "window_with_count": "rs.data.roll()",
    "scan": "rs.ops.scan()",
    "last_or_default_async": "rs.ops.last()",
}
"""What to use in the place of an operator of rx. Those that others are made of come last."""

captures: list[list[Observer]] = []
"""Where a subscription to a traced stream goes while a foreign operator is being subscribed: its observer is kept."""


class Tap:
    """One subscription to a foreign operator: items go in, items come out."""

    def __init__(self, observable: rx.Observable) -> None:
        self._observable = observable
        self._subscribe()

    def _subscribe(self) -> None:
        self._out: list[Any] = []
        self._errors: list[Exception] = []
        self.inputs: list[Observer] = []
        captures.append(self.inputs)
        try:
            self._observable.subscribe(self._out.append, self._errors.append)
        finally:
            captures.pop()

    def push(self, item: Any) -> list[Any]:
        """What comes out for an item. An error ends a subscription in rx: there is a new one for the next item."""
        self.inputs[0].on_next(item)
        return self._taken()

    def complete(self) -> list[Any]:
        """What comes out at the end."""
        self.inputs[0].on_completed()
        return self._taken()

    def _taken(self) -> list[Any]:
        if self._errors:
            error = self._errors[0]
            self._subscribe()
            raise error
        found = self._out.copy()
        self._out.clear()
        return found


@dataclass(frozen=True, eq=False)
class Foreign(Operator):
    """The node of an operator of rx, as the Observable that it returned."""

    observable: rx.Observable
    operator: str
    hides_state: bool
    name: ClassVar[str] = "rx.operators"

    @property
    def stateless(self) -> bool:  # type: ignore[override]  # known only with the operator
        return not self.hides_state

    @property
    def fans_out(self) -> bool:
        return True

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(lambda: Tap(self.observable), is_kept=self.hides_state)

        def push(code: Code, item: str) -> None:
            out = code.name("item")
            with code.block(f"for {out} in {code.state(scope)}[{slot}].push({item}):"):
                then.push(code, out)

        def complete(code: Code) -> None:
            out = code.name("item")
            with code.block(f"for {out} in {code.state(scope)}[{slot}].complete():"):
                then.call(code, out)
            then.complete(code)

        return Part(push, complete)

    @property
    def hidden(self) -> str | None:
        instead = EQUIVALENTS.get(self.operator, "an operator of makiserve.stream")
        return f"{self}: use {instead}" if self.hides_state else None

    def __str__(self) -> str:
        return f"rx.operators.{self.operator}"


def foreign(observable: rx.Observable) -> Foreign:
    """The node of an Observable that an operator of rx returned."""
    names = list(dict.fromkeys(_names(observable)))
    named = next((name for name in EQUIVALENTS if name in names), names[0] if names else "create")
    return Foreign(observable, named, hides_state=not names or not STATELESS.issuperset(names))


def _names(value: Any, depth: int = 0) -> Iterator[str]:
    """The operators that an Observable of rx is made of, read off the functions that it holds."""
    if isinstance(value, (tuple, list)):
        for each in value:
            yield from _names(each, depth)
        return
    function = getattr(value, "_subscribe", value)
    module = getattr(function, "__module__", None) or ""
    if depth > 6 or not module.startswith("rx.core."):
        return
    if module.startswith("rx.core.operators.") and hasattr(function, "__qualname__"):
        yield function.__qualname__.partition(".")[0].strip("_")
    for cell in getattr(function, "__closure__", None) or ():
        yield from _names(cell.cell_contents, depth + 1)
