"""Operators that act on the subscription of an Observable, which the stream of a traced pipeline does not have."""

from __future__ import annotations

from makiserve.errors import PipelineError
from makiserve.stream.engine.plan import Operator
from makiserve.stream.engine.rx_bridge import current_capture
from makiserve.stream.engine.trace import Traced, Transform, operator
from makiserve.stream.reactive import Disposable, Observer, Scheduler, library_of, rx


def is_symbolic(source: rx.Observable) -> bool:
    """Return whether `source` is the placeholder for a pipeline's stream, which cannot be subscribed to."""
    return isinstance(source, Traced) and source.origin is None


def subscribed_only(name: str, reason: str, transform: Transform) -> Transform:
    """Return `transform`, refused in a traced pipeline: a packaged one, or the inner one of a group or window.

    Raises:
        PipelineError: it is applied in a traced pipeline; the message gives the reason.
    """

    def apply(source: rx.Observable) -> rx.Observable:
        if is_symbolic(source):
            raise PipelineError(f"{name} cannot be used in a packaged pipeline, or inside a group or window: {reason}")
        return transform(source)

    apply.__name__ = apply.__qualname__ = name
    return apply


def completing_early(count: int, node: Operator) -> Transform:
    """Return the operator of `node`, which emits the first `count` items and then completes an Observable.

    A lane never completes: there the node continues to take items, and drops them.
    """

    def apply(source: rx.Observable) -> rx.Observable:
        return operator(node)(source) if is_symbolic(source) else Traced(_Ending(source, count, node))

    apply.__name__ = apply.__qualname__ = node.name
    return apply


class _Ending(Traced):
    """An Observable that completes, for a subscriber; its operator, for a pipeline that is being traced."""

    def __init__(self, source: rx.Observable, count: int, node: Operator) -> None:
        super().__init__(source, (node,))
        self._count = count

    def _subscribe_core(self, observer: Observer, scheduler: Scheduler | None = None) -> Disposable:
        if current_capture():
            return super()._subscribe_core(observer, scheduler)
        return library_of(self.origin).operators.take(self._count)(self.origin).subscribe(observer, scheduler=scheduler)
