"""Operators of rx or reactivex in a pipeline: each scope subscribes to them once and pushes items into their observer.

The state of such an operator is in its closures: it cannot be saved, and a failed record cannot be rolled back in it.
Stateless operators are not affected. The others run in notebooks and replays, and are not served. Operators that wait
for other streams or for timers are refused: nothing would receive what they emit. So are operators with one
iterator for all subscriptions, such as `map_indexed`: lanes and groups would take items from one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Rhythm, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.reactive import OBSERVABLES, Disposable, ImmediateScheduler, Observer, rx

STATELESS = {"do_action", "filter", "map", "pluck"}
"""Operators of rx that keep nothing between items; `starmap` is built from `map`."""

KEPT = STATELESS | {
    *("all", "as_observable", "average", "contains", "count", "default_if_empty", "defer", "dematerialize", "distinct"),
    *("distinct_until_changed", "element_at_or_default", "extrema_by", "filter_indexed", "find_value", "first_only"),
    *("first_or_default_async", "ignore_elements", "is_empty", "last_or_default_async", "materialize", "min_by"),
    *("pairwise", "pluck_attr", "scan", "single_or_default_async", "skip", "skip_last", "skip_while"),
    *("skip_while_indexed", "some", "sum", "take", "take_last", "take_last_buffer", "take_while"),
    *("take_while_indexed", "to_dict", "to_iterable", "to_set"),
}
"""The functions of the rx operators that emit only on an item or at completion. In a traced pipeline these emit the
same as in rx (tested for all of `rx.operators`). Any other is refused."""

ONE_FOR_ONE = STATELESS - {"filter"}
"""Those of them that emit one item for each item."""

EQUIVALENTS = {
    "average": "rs.math.mean()",
    "count": "rs.ops.count()",
    "distinct": "rs.ops.distinct()",
    "distinct_until_changed": "rs.ops.distinct_until_changed()",
    "extrema_by": "rs.math.min() or rs.math.max()",
    "first_or_default_async": "rs.ops.first()",
    "pairwise": "rs.ops.pairwise()",
    "sum": "rs.math.sum()",
    "take": "rs.ops.take()",
    "scan": "rs.ops.scan()",
    "last_or_default_async": "rs.ops.last()",
}
"""The replacement for an operator that is accepted. Operators that others are built from come last."""

OPERATOR_MODULES = ("rx.core.operators.", "rx.core.observable.", "reactivex.operators.", "reactivex.observable.")
"""The modules of rx 3 and reactivex that define operators and the Observables that operators return."""

OBSERVABLE_MODULES = {kind.__module__ for kind in OBSERVABLES}

_TIME = "rs.data.roll_time() or rs.data.time_split(), which take time from the records"
_JOIN = "rs.ops.tee_map(), which joins branches of one stream"
_ERROR = "rs.error.map() or rs.error.ignore()"
_WINDOW = "rs.data.roll(), rs.data.roll_time() or rs.data.split()"

INSTEAD = {
    "window_with_count": "rs.data.roll() or rs.data.batch()",
    "window": _WINDOW,
    "buffer": "rs.data.batch()",
    "group": "rs.ops.group_by()",
    "switch_latest": "rs.ops.flat_map(), which takes iterables",
    "exclusive": "rs.ops.flat_map(), which takes iterables",
    "expand": "rs.ops.flat_map(), which takes iterables",
    "concat": "rs.ops.start_with(), which waits for the first item, or rs.data.pad_end()",
    "catch": _ERROR,
    "on_error": _ERROR,
    "retry": _ERROR,
    "repeat": "another pipeline: the records come once",
    "finally_action": "rs.ops.do_action(on_completed=...)",
    "multicast": _JOIN,
    "ref_count": _JOIN,
    "join": _JOIN,
    "merge_all": "rs.ops.flat_map(), which takes iterables, or rs.ops.tee_map(join='merge')",
    "merge": _JOIN,
    "combine_latest": _JOIN,
    "with_latest_from": _JOIN,
    "amb": _JOIN,
    "sequence_equal": _JOIN,
    "until": "rs.ops.filter() or rs.data.split()",
    "delay": _TIME,
    "debounce": _TIME,
    "throttle": _TIME,
    "sample": _TIME,
    "interval": _TIME,
    "marbles": _TIME,
    "time": _TIME,
    "observe_on": "no scheduler: records come in order, in one thread",
    "subscribe_on": "no scheduler: records come in order, in one thread",
    "zip_with_iterable": "rs.ops.tee_map(rs.ops.identity(), rs.ops.count()), which numbers items from 1",
    "zip": _JOIN,
}
"""The replacement for an operator that is refused, by a part of its name; the first match counts."""

_SHOWN = {
    "catch_with_iterable": "catch or retry",
    "concat_with_iterable": "start_with or concat",
    "debounce": "debounce or throttle_with_timeout",
    "group_by_until": "group_by",
    "merge_all": "flat_map or merge",
    "multicast": "publish or replay",
    "observable_delay_timespan": "delay",
    "ref_count": "share or ref_count",
    "sample_observable": "sample",
    "switch_latest": "flat_map_latest or switch_latest",
    "zip_with_iterable": "map_indexed, skip_while_indexed or zip_with_iterable",
}
"""The public names of the functions that operators are built from."""


@dataclass
class Capture:
    """The traced streams that a foreign operator subscribes to, and their observers.

    Not every operator of rx passes the scheduler of a subscription on to its source, so the capture is the current one
    of its thread while the operator is being subscribed to.
    """

    streams: list[rx.Observable] = field(default_factory=list)
    observers: list[Observer] = field(default_factory=list)

    def subscribe(self, observable: rx.Observable, *observer: Callable[[Any], object]) -> None:
        """Subscribe to a foreign operator, and capture its subscriptions to traced streams."""
        token = _current.set(self)
        try:
            observable.subscribe(*observer, scheduler=ImmediateScheduler())
        finally:
            _current.reset(token)

    def add(self, stream: rx.Observable, observer: Observer) -> Disposable:
        """Capture a subscription: the items of the stream will come from the scope of the operator."""
        self.streams.append(stream)
        self.observers.append(observer)
        return Disposable()


_current: ContextVar[Capture | None] = ContextVar("capture", default=None)


def current_capture() -> Capture | None:
    """Return the capture of the foreign operator that this thread is subscribing to; otherwise None."""
    return _current.get()


class RxSubscription:
    """One subscription to a foreign operator: items go in, items come out."""

    def __init__(self, observable: rx.Observable) -> None:
        self._observable = observable
        self._subscribe()

    def _subscribe(self) -> None:
        self._out: list[Any] = []
        self._errors: list[Exception] = []
        self._capture = Capture()
        self._capture.subscribe(self._observable, self._out.append, self._errors.append)

    @property
    def sources(self) -> list[rx.Observable]:
        """The traced streams that the operator takes its items from."""
        return self._capture.streams

    def push(self, item: Any) -> list[Any]:
        """Return the output for an item. An error ends a subscription in rx, so the next item gets a new one."""
        self._capture.observers[0].on_next(item)
        return self._taken()

    def complete(self) -> list[Any]:
        """Return the output at completion."""
        self._capture.observers[0].on_completed()
        return self._taken()

    def _taken(self) -> list[Any]:
        if self._errors:
            error = self._errors[0]
            self._subscribe()
            raise error
        items = self._out.copy()
        self._out.clear()
        return items


@dataclass(frozen=True, eq=False)
class RxOperator(Operator):
    """The node of an operator of rx or reactivex, as the Observable that it returned."""

    observable: rx.Observable
    operator: str
    hides_state: bool
    is_one_for_one: bool
    name: ClassVar[str] = "rx.operators"

    @property
    def traits(self) -> Traits:
        return Traits(stateless=not self.hides_state)

    @property
    def fans_out(self) -> bool:
        return True

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return before if self.is_one_for_one else None

    def build(self, then: Stage, scope: Scope) -> Part:
        slot = scope.container(lambda: RxSubscription(self.observable), is_kept=self.hides_state)

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
        return f"{_library(self.observable)}.operators.{self.operator}"


def rx_operator(observable: rx.Observable) -> RxOperator:
    """Return the node of an Observable that an operator of rx or reactivex returned.

    Raises:
        PipelineError: the operator waits for more than its items, so that a traced pipeline cannot run it.
    """
    names = list(dict.fromkeys(_names(observable)))
    _refuse_others(names, _library(observable))
    named = next((name for name in EQUIVALENTS if name in names), names[0] if names else "create")
    return RxOperator(
        observable,
        named,
        hides_state=not names or not STATELESS.issuperset(names),
        is_one_for_one=bool(names) and ONE_FOR_ONE.issuperset(names),
    )


def _library(observable: rx.Observable) -> str:
    """Return the name of the library that an Observable belongs to."""
    return type(observable).__module__.partition(".")[0]


def _refuse_others(names: list[str], library: str) -> None:
    others = [name for name in names if name not in KEPT]
    if not others:
        return
    known = ((name, instead) for part, instead in INSTEAD.items() for name in others if part in name)
    name, instead = next(known, (others[0], "an operator of makiserve.stream; rs.ops.tee_map() joins branches"))
    raise PipelineError(
        f"{library}.operators.{_SHOWN.get(name, name)} cannot run in a traced pipeline: it subscribes to other "
        "streams, emits at arbitrary times or shares state between lanes, so items would be lost or mixed.\n"
        f"Use {instead}."
    )


def _names(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the names of the functions that an Observable is made of, read off their closures."""
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from _names(part, depth)
        return
    function = getattr(value, "_subscribe", value)
    module = getattr(function, "__module__", None) or ""
    if depth > 6 or not module.startswith(("rx.core.", "reactivex.")):
        return
    is_operator = module.startswith(OPERATOR_MODULES) and module not in OBSERVABLE_MODULES
    if is_operator and hasattr(function, "__qualname__"):
        yield function.__qualname__.partition(".")[0].strip("_")
    for cell in getattr(function, "__closure__", None) or ():
        yield from _names(cell.cell_contents, depth + 1)
