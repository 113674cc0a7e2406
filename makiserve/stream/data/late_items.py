"""Windows of event time whose late items can have a separate pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from makiserve.stream.engine.build import build, write_nothing
from makiserve.stream.engine.plan import Operator, Plan
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Stage


class WindowsWithLateItems(Operator):
    """A node of windows that complete with a later item, and of which some items come too late.

    Attributes:
        time_mapper: the event time of an item.
        pipeline: the pipeline for each window's items.
        on_late: the pipeline for items whose windows are all closed; None drops them.
    """

    fans_out: ClassVar[bool] = True  # windows complete, then the item is pushed into others
    time_mapper: Callable[[Any], Any]
    pipeline: Plan
    on_late: Plan | None

    def plans(self) -> Iterator[tuple[str, Plan]]:
        yield "pipeline", self.pipeline
        if self.on_late is not None:
            yield "on_late", self.on_late

    def build_late(self, then: Stage, scope: Scope) -> Stage | None:
        """Return the stage of late items, which emits to `then`; None if they are dropped."""
        if self.on_late is None:
            return None
        return build(self.on_late, then._replace(complete=write_nothing), scope)
