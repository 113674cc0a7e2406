"""Operators that act on the subscription of an Observable, which the stream of a traced pipeline does not have."""

from __future__ import annotations

import rx

from makiserve.errors import PipelineError
from makiserve.stream.engine.trace import Traced, Transform


def is_symbolic(source: rx.Observable) -> bool:
    """Whether `source` stands for the stream that a pipeline will be given: there is nothing to subscribe to."""
    return isinstance(source, Traced) and source.origin is None


def subscribed_only(name: str, reason: str, transform: Transform) -> Transform:
    """`transform`, refused by a pipeline that is traced: a packaged one, or the inner one of a group or window.

    Raises:
        PipelineError: when it is applied there; the message gives the reason.
    """

    def apply(source: rx.Observable) -> rx.Observable:
        if is_symbolic(source):
            raise PipelineError(
                f"{name} cannot stand in a pipeline that is packaged, or inside a group or window: {reason}"
            )
        return transform(source)

    apply.__name__ = apply.__qualname__ = name
    return apply


def completing_early(count: int, transform: Transform) -> Transform:
    """`transform`, which emits the first `count` items; an Observable is, moreover, completed after them.

    A lane never completes: there `transform` goes on to take items, and drops them.
    """

    def apply(source: rx.Observable) -> rx.Observable:
        return transform(source) if is_symbolic(source) else rx.operators.take(count)(source)

    return apply
