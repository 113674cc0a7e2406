"""`ops.progress`: log the progress of a stream."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar

from makiserve.stream.arguments import whole_number
from makiserve.stream.engine.code import Code
from makiserve.stream.engine.plan import Operator, Traits
from makiserve.stream.engine.scope import Scope
from makiserve.stream.engine.stage import Part, Stage
from makiserve.stream.engine.trace import Transform, operator

log = logging.getLogger(__name__)


def progress(name: str, threshold: int, measure_throughput: bool = True) -> Transform:
    """Log the number of items so far every `threshold` items, at level INFO.

    ```
    --1--2--3--|
      progress("read", threshold=2)
    --1--2--3--|
    ```

    Args:
        name: the name of the items in the log.
        threshold: the number of items between two lines of the log.
        measure_throughput: log the number of items per second since the previous line.

    *Emits* the item. *State* none: the count is that of this process, over all its groups, windows and lanes, and not
    part of the stream. (RxSci fails on the first item.)

    Raises:
        PipelineError: the threshold is not an integer of at least 1.

    >>> import rx, makiserve.stream as rs
    >>> rx.from_([1, 2, 3]).pipe(rs.ops.progress("read", threshold=2), rs.ops.count(reduce=True)).run()
    3
    """
    return operator(Progress(name, whole_number(threshold, "progress: threshold"), measure_throughput))


@dataclass(frozen=True, eq=False)
class Progress(Operator):
    """The node of `progress`."""

    name: ClassVar[str] = "progress"
    traits = Traits(raises=False, stateless=True, one_to_one=True)
    label: str
    threshold: int
    measure_throughput: bool

    def build(self, then: Stage, scope: Scope) -> Part:
        meter = _Meter(self)

        def push(code: Code, item: str) -> None:
            code.line(f"{code.constant(meter.add, 'progress')}()")
            then.push(code, item)

        return Part(push, then.complete)


class _Meter:
    """A count for the log. It is not a slot: it measures this process, and nothing that is emitted depends on it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._count = 0
        self._since = perf_counter()

    def add(self) -> None:
        self._count += 1
        if self._count % self._progress.threshold:
            return
        if not self._progress.measure_throughput:
            log.info("%s: %d items", self._progress.label, self._count)
            return
        now = perf_counter()
        rate = self._progress.threshold / max(now - self._since, 1e-9)
        self._since = now
        log.info("%s: %d items (%.0f per second)", self._progress.label, self._count, rate)
