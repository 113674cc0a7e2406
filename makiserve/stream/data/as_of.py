"""`data.as_of`: the latest value of earlier items that was known at the time of each item."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf, isfinite, isnan
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple

from makiserve.stream.engine.code import Code
from makiserve.stream.engine.held_items import HeldItems
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage, State
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.event_time import EPOCH, with_zone
from makiserve.stream.scalars import number

MICROSECOND = timedelta(microseconds=1)

LARGEST = 2**53
"""A float holds every integer up to this one."""

Known = tuple[Any, Any]
"""The time when a value becomes known, and the value."""

TIME = itemgetter(0)


def as_of(
    time_mapper: Callable[[Any], Any],
    known_at: Callable[[Any], Any],
    value: Callable[[Any], Any] | None = None,
    default: Any = None,
) -> Transform:
    """Emit, for each item, the latest value of earlier items that was known at the item's time.

    ```
    --1------2------3-----4-----5----|     the value of an item is known 2 later
      as_of(time, lambda i: i + 2)
    --None---None---1-----2-----3----|
    ```

    A record often contains what became known after its time: a label, the delay of a flight when it lands. A feature
    of a later record must not use it before. This is the point-in-time join of a stream with its own earlier items:
    pandas' `merge_asof` of the items at their times with the values at `known_at`, except that the values come from
    items that are before the item in the stream.

    A value becomes visible with the first item after its own whose time is not before `known_at`, and stays so. Of the
    visible values the one with the latest `known_at` is emitted; of equal ones, that of the later item. A late item,
    whose time is before those of earlier items, makes no value visible that was not known at its time; it gets the
    values that earlier items have made visible.

    Args:
        time_mapper: the time of an item: a datetime (UTC if it has no zone) or a finite number, of any unit.
        known_at: when the value of an item becomes known, a time of the same kind; None or infinity if it never does.
        value: the value of an item, by default the item itself. It is not called if `known_at` returns None.
        default: what is emitted while no value is visible.

    *Emits* one value for each item. If functions fail with the same value at two items in a row, it is dropped, as if
    its item had none. *State* the latest visible value, and the values that are not known yet, a key. They are as many
    as items come between an item and its `known_at`. *Raises* what the functions raise; `TypeError` for what is not a
    time, or if one time is a datetime and the other one a number; `ValueError` for NaN and an infinite time.

    >>> import rx, makiserve.stream as rs
    >>> delays = rs.data.as_of(lambda i: i[0], lambda i: i[1], lambda i: i[2], default=0)
    >>> rx.from_([(1, 4, 20), (2, 3, -5), (3, None, None), (4, 9, 7)]).pipe(delays).subscribe(print).dispose()
    0
    0
    -5
    20
    """
    return operator(AsOf(time_mapper, known_at, value, default))


@dataclass(frozen=True, eq=False)
class AsOf(Operator):
    """The node of `as_of`."""

    name: ClassVar[str] = "as_of"
    holds_items: ClassVar[bool] = True
    traits = Traits(one_to_one=True)
    time_mapper: Callable[[Any], Any]
    known_at: Callable[[Any], Any]
    value: Callable[[Any], Any] | None
    default: Any

    def build(self, then: Stage, scope: Scope) -> Part:
        known = KnownValues(scope, str(self))
        scope.writes(then)

        def push(code: Code, item: str) -> None:
            time, value = code.name("time"), code.name("value")
            code.line(f"{time}, {value} = {code.constant(self.read, 'read')}({item})")
            state = code.state(scope)
            known.write_advance(code, state, time, value)
            default = code.constant(self.default, "default")
            with known.given(code, state):
                latest = f"{state}[{known.latest}]"
                then.push(code, code.let("value", f"{default} if {latest} is None else {latest}[1]"))

        return Part(push, then.complete)

    def read(self, item: Any) -> tuple[Any, Known | None]:
        """Return the time of an item, and its value with the time when it becomes known; None if it never does."""
        given, known_at = self.time_mapper(item), self.known_at(item)
        time = instant(given)
        if not isfinite(time):
            raise ValueError(f"the time of an item must be a finite number, not {time}")
        if known_at is None:
            return time, None
        known = instant(known_at)
        if isinstance(given, datetime) != isinstance(known_at, datetime):
            kinds = f"{type(given).__name__} and {type(known_at).__name__}"
            raise TypeError(f"time and known_at must both be datetimes or both be numbers, not {kinds}")
        if isnan(known):
            raise ValueError("known_at is NaN: return None for a value that never becomes known")
        value = self.value(item) if self.value else item
        return time, None if known == inf else (known, value)


class KnownValues(HeldItems):
    """The values of a scope: the latest one that is visible, and those that are not, in the order of their times.

    Args:
        scope: the scope.
        operator: what a message calls the operator.

    Attributes:
        latest: the slot of the latest visible value.
    """

    def __init__(self, scope: Scope, operator: str) -> None:
        self.latest, self._pending = scope.value(None), scope.value(())
        super().__init__(scope, self.latest, operator)

    def write_advance(self, code: Code, state: str, time: str, value: str) -> None:
        """Write that the time of an item makes values visible, and that the item's own value is kept."""
        pending = f"{state}[{self._pending}]"
        with code.block(f"if {pending} and {pending}[0][0] <= {time}:"):
            code.line(f"{code.constant(self._advance, 'advance')}({state}, {time})")
        with code.block(f"if {value} is not None:"):
            code.line(f"{pending} = {code.constant(added, 'added')}({pending}, {value})")
        code.line(f"{state}[{self.slot}] = 0")

    def _advance(self, state: State, time: Any) -> None:
        pending, latest = state[self._pending], state[self.latest]
        count = bisect_right(pending, time, key=TIME)
        newest = pending[count - 1]
        state[self.latest] = newest if latest is None or newest[0] >= latest[0] else latest
        state[self._pending] = pending[count:]

    def contents(self, state: State) -> AsOfState:
        """Return what a state holds."""
        return AsOfState(state[self.latest], state[self._pending], state[self.slot])

    def in_use(self, state: State) -> Known | None:
        return state[self.latest]  # type: ignore[no-any-return]

    def failures(self, state: State, in_use: Known | None) -> int | None:
        return None if in_use is None else int(state[self.slot])

    def drop(self, state: State, in_use: Known | None) -> None:
        if state[self.latest] is in_use:
            state[self.latest] = None
        state[self._pending] = tuple([known for known in state[self._pending] if known is not in_use])


class AsOfState(NamedTuple):
    """What is held for a key.

    Attributes:
        latest: the latest visible value; None if there is none.
        pending: the values that are not visible, in the order of their times.
        failures: how many items in a row have failed with the latest value.
    """

    latest: Known | None
    pending: tuple[Known, ...]
    failures: int


def added(pending: tuple[Known, ...], known: Known) -> tuple[Known, ...]:
    """Return values with a new one, which replaces one of the same time."""
    start = bisect_left(pending, known[0], key=TIME)
    return (*pending[:start], known, *pending[bisect_right(pending, known[0], lo=start, key=TIME) :])


def instant(time: Any) -> Any:
    """Return a time as a number, a datetime as microseconds since 1970: a float if a float can hold it.

    Raises:
        TypeError: it is neither a datetime nor a number.
        OverflowError: it is an integer that is too large for a float.
    """
    if type(time) is float or (type(time) is int and -LARGEST <= time <= LARGEST):
        return float(time)
    if isinstance(time, datetime):
        exact: Any = (with_zone(time) - EPOCH) // MICROSECOND
    else:
        try:
            exact = number(time)
        except TypeError:
            raise TypeError(f"a time must be a datetime or a number, not {type(time).__name__}") from None
    rounded = float(exact)
    return rounded if rounded == exact or rounded != rounded else exact
