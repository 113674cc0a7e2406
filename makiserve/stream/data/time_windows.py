"""Windows that begin at fixed times, complete once they are closed, and route items that come too late."""

from __future__ import annotations

from abc import abstractmethod

from makiserve.stream.data.hopping import HoppingPanes, HoppingWindows, Spans
from makiserve.stream.data.late_items import WindowsWithLateItems
from makiserve.stream.data.window_bounds import write_time
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage


class TimeWindows(WindowsWithLateItems):
    """A node of windows with fixed bounds."""

    @property
    @abstractmethod
    def spans(self) -> Spans:
        """The bounds of the windows."""

    def build(self, then: Stage, scope: Scope) -> Part:
        spans = self.spans
        windows = (HoppingPanes if self.pipeline.mergeable else HoppingWindows)(self.pipeline, spans, then, scope)
        newest, late = scope.value(None), scope.value(0)
        scope.writes_late(then)
        late_stage = self.build_late(then, scope)

        def push(code: Code, item: str) -> None:
            state = code.state(scope)
            given, time = write_time(code, self.time_mapper, item)
            before = code.let("before", f"{time} if {state}[{newest}] is None else {state}[{newest}]")
            now = code.let("now", f"{time} if {time} > {before} else {before}")
            done, closed = code.let("done", spans.closed(code, before)), code.let("closed", spans.closed(code, now))
            position = spans.position(code, time)
            with code.block(f"if {closed} > {done}:"):
                windows.write_close(code, f"{done} + 1", closed)
            with code.block(f"if {position} // {spans.stride} > {closed}:"):
                windows.write_push(code, item, given, position, closed)
            with code.block(f"elif {spans.has_window(position)}:" if spans.has_gaps else "else:"):
                if late_stage:
                    late_stage.call(code, item)
                code.line(f"{state}[{late}] += 1")
            code.line(f"{state}[{newest}] = {now}")

        def complete(code: Code) -> None:
            state = code.state(scope)
            with code.block(f"if {state}[{newest}] is not None:"):
                closed = spans.closed(code, f"{state}[{newest}]")
                windows.write_close(code, f"{closed} + 1", None)
            if late_stage:
                late_stage.complete(code)
            then.complete(code)

        return Part(push, complete)
