"""`data.window_start`, `data.window_end`: the bounds of a window of time, among its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from makiserve.errors import PipelineError
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import LAST, Operator, Rhythm, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator
from makiserve.stream.event_time import bounds_like, ms_from_time


def window_start() -> Transform:
    """Emit the start of the window, when it completes.

    ```
    --1s--4s--7s--|
      roll_time(window=5s, stride=5s, time, [window_start()])
    ----------0s--5s|
    ```

    Use it in the pipeline of `roll_time`, `roll_calendar`, `roll_trailing`, `roll_session` or `time_split`, in a
    tee_map with the reductions of the window. If a window is inside another one, it is the start of the inner one. A
    window of `roll_time` or `roll_calendar` contains its start and not its end. A window of `roll_trailing` ends at its
    item; `closed` decides which of the two it contains. A session starts at its first item and ends at its latest one.

    *Emits* a datetime if the times of the window's items are datetimes, in UTC or in the zone of `roll_calendar`, or
    else the number of milliseconds. For `time_split` it is what `time_mapper` returned. *State* the two bounds, once
    for each open window.

    Raises:
        PipelineError: no window of time is around it.

    >>> import rx, makiserve.stream as rs
    >>> counts = rs.ops.tee_map(rs.data.window_start(), rs.data.window_end(), rs.ops.count(reduce=True))
    >>> windows = rs.data.roll_time("5s", "5s", lambda i: i * 1000, counts)
    >>> rx.from_([1, 4, 7]).pipe(windows).subscribe(print).dispose()
    (0, 5000, 2)
    (5000, 10000, 1)
    """
    return operator(WindowStart())


def window_end() -> Transform:
    """Emit the end of the window, when it completes.

    ```
    --1s--4s--7s---|
      roll_time(window=5s, stride=5s, time, [window_end()])
    ----------5s---10s|
    ```

    See `window_start`.

    *Emits* a datetime if the times of the window's items are datetimes, in UTC or in the zone of `roll_calendar`, or
    else the number of milliseconds. For `time_split` it is what `time_mapper` returned. *State* the two bounds, once
    for each open window.

    Raises:
        PipelineError: no window of time is around it.

    >>> import rx, makiserve.stream as rs
    >>> session = rs.ops.tee_map(rs.data.window_end(), rs.data.to_list())
    >>> sessions = rs.data.time_split(lambda i: i, inactive_timeout=5, pipeline=session)
    >>> rx.from_([1, 2, 9, 10]).pipe(sessions).subscribe(print).dispose()
    (2, [1, 2])
    (10, [9, 10])
    """
    return operator(WindowEnd())


@dataclass(frozen=True, eq=False)
class WindowStart(Operator):
    """The node of `window_start`."""

    name: ClassVar[str] = "window_start"
    traits = Traits(raises=False, mergeable=True)
    bound: ClassVar[int] = 0

    def rhythm(self, before: Rhythm) -> Rhythm | None:
        return LAST

    def build(self, then: Stage, scope: Scope) -> Part:
        window = scope.window
        if window is None:
            raise PipelineError(
                f"{self.name} is not inside a window of time. Put it into the pipeline of rs.data.roll_time, "
                "roll_calendar, roll_trailing, roll_session or time_split, for example in a tee_map with the window's "
                "reductions"
            )
        slot = window.with_bounds()

        def complete(code: Code) -> None:
            then.call(code, f"{code.state(window)}[{slot}][{self.bound}]")
            then.complete(code)

        return Part(lambda code, _: code.line("pass"), complete)


@dataclass(frozen=True, eq=False)
class WindowEnd(WindowStart):
    """The node of `window_end`."""

    name: ClassVar[str] = "window_end"
    bound: ClassVar[int] = 1


def bounds_expression(code: Code, start_ms: str, end_ms: str, like: str) -> str:
    """Return the expression for the bounds of a window, in the form of a time that `time_mapper` returned."""
    return f"{code.constant(bounds_like, 'bounds')}({start_ms}, {end_ms}, {like})"


def write_time(code: Code, time_mapper: Callable[[Any], Any], item: str) -> tuple[str, str]:
    """Write that the time of an item is read, and return its variables: as it is returned, and in milliseconds."""
    given = code.let("given", f"{code.constant(time_mapper)}({item})")
    return given, code.let("time", f"{code.constant(ms_from_time, 'ms_from_time')}({given})")
